"""A chat completion and a stream of 200 chunks with OpenAI's client, beside telemetry by hand and the peers."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.alternating import Turns, rounds
from benchmarks.genai_subjects import CHUNKS
from benchmarks.harness import Contender, Measurement, Size, Spread, measure
from benchmarks.report import Check, Report, Table, ratio_text

_OURS = {"bare": "bare", "by hand": "floor", "otelml": "otelml"}
_PEERS = {
    "opentelemetry-instrumentation-genai-openai 1.3b0": "official",
    "OpenLLMetry 0.62.4": "openllmetry",
    "OpenInference 0.1": "openinference",
}
_BARE_THERE = "bare, among the peers"
_CHAT_LIMIT, _CHUNK_LIMIT, _STREAM_LIMIT = 1.10, 3.0, 1.05


def run(quick: bool) -> Report:
    """Measure calls and streams of each contender, by the CPU time of the calling thread."""
    python, notes = _python()
    chat = measure(_contenders(python, stream=False), Size(1, 2, 20, 5) if quick else Size(4, 12, 150, 30))
    stream = measure(_contenders(python, stream=True), Size(1, 2, 2, 1) if quick else Size(3, 10, 10, 2))
    alone = {
        kind: rounds("benchmarks.genai_subjects:alternating", {"stream": kind == "stream"}, 3 if quick else 120)
        for kind in ("chat", "stream")
    }
    return Report(
        title="OpenAI's client",
        about=f"A chat completion, and a stream of {CHUNKS} chunks, over a transport that answers at once. CPU time of "
        "the calling thread, more than bare in the same round. By hand: a span with 11 attributes and three histogram "
        "points; nothing for each chunk. Content is off where it can be. Two processes of the same program are 1 to 2% "
        "apart, so the figures beside bare and by hand are of one process that switches our hook on and off: medians, "
        "with their 95% intervals.",
        tables=[
            Table(
                "A chat completion",
                ["", "us a call (CPU)", "more than bare, us"],
                [_row(chat, name) for name in chat.turns],
            ),
            Table(
                f"A stream of {CHUNKS} chunks",
                ["", "us a stream (CPU)", "more than bare, us a chunk"],
                [_row(stream, name, CHUNKS) for name in stream.turns],
            ),
            Table(
                "In one process",
                ["", "to bare", "more than bare, us a call"],
                [
                    [f"{kind}, {name}", ratio_text(turns.ratio(name)), _interval(turns.added(name))]
                    for kind, turns in alone.items()
                    for name in ("bare again", "by hand", "otelml")
                ],
            ),
        ],
        checks=[*_alone(**alone), *_beside_peers(chat, stream)],
        notes=notes,
    )


def _python() -> tuple[str | None, list[str]]:
    try:
        return peers.python_of("genai", None), []
    except peers.Unavailable as reason:
        return None, [f"The peers are left out: {reason}."]


def _contenders(python: str | None, *, stream: bool) -> list[Contender]:
    options = {"stream": stream}
    found = [Contender(name, f"benchmarks.genai_subjects:{made}", options) for name, made in _OURS.items()]
    if python is not None:
        there = {_BARE_THERE: "bare", **_PEERS}
        found += [Contender(name, f"benchmarks.genai_subjects:{it}", options, python) for name, it in there.items()]
    return found


def _added(measured: Measurement, name: str) -> Spread:
    base = _BARE_THERE if name in _PEERS else "bare"
    pairs = zip(measured.turns[name], measured.turns[base], strict=True)
    return Spread.of([turn["thread_cpu"] - other["thread_cpu"] for turn, other in pairs])


def _row(measured: Measurement, name: str, parts: int = 1) -> list[str]:
    total = measured.spread(name, "thread_cpu")
    added = _added(measured, name)
    return [name, f"{total.median / 1e3:.0f}", f"{added.median / parts / 1e3:.2f}"]


def _interval(added: Spread) -> str:
    return f"{added.median / 1e3:.1f} [{added.lower / 1e3:.1f}, {added.upper / 1e3:.1f}]"


def _alone(chat: Turns, stream: Turns) -> list[Check]:
    ours, floor = chat.added("otelml", "bare").median, chat.added("by hand", "bare").median
    chunk = stream.added("otelml", "bare").median / CHUNKS / 1e3
    ratio = stream.ratio("otelml", "bare").median
    return [
        Check("chat: added, to by hand", f"{ours / floor:.2f}", f"<= {_CHAT_LIMIT}", ours <= floor * _CHAT_LIMIT),
        Check("stream: added, us a chunk", f"{chunk:.2f}", f"<= {_CHUNK_LIMIT:g}", chunk <= _CHUNK_LIMIT),
        Check("stream: to bare", f"{ratio:.3f}", f"<= {_STREAM_LIMIT}", ratio <= _STREAM_LIMIT),
    ]


def _beside_peers(chat: Measurement, stream: Measurement) -> list[Check]:
    checks: list[Check] = []
    for name in _PEERS:
        if name in chat.turns:
            for kind, measured in (("chat", chat), ("stream", stream)):
                mine, theirs = _added(measured, "otelml").median, _added(measured, name).median
                checks.append(Check(f"{kind}: added, to {name}", f"{mine / theirs:.2f}", "< 1", mine < theirs))
    return checks
