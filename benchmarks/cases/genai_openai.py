"""A chat completion and a stream of 200 chunks with OpenAI's client, beside telemetry by hand and the peers."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.genai_subjects import CHUNKS
from benchmarks.harness import Contender, Measurement, Size, Spread, measure
from benchmarks.report import Check, Report, Table

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
    return Report(
        title="OpenAI's client",
        about=f"A chat completion, and a stream of {CHUNKS} chunks, over a transport that answers at once. CPU time of "
        "the calling thread, more than bare in the same round. By hand: a span with 11 attributes and three histogram "
        "points; nothing for each chunk. Content is off where it can be.",
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
        ],
        checks=_checks(chat, stream),
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


def _checks(chat: Measurement, stream: Measurement) -> list[Check]:
    ours, floor = _added(chat, "otelml").median, _added(chat, "by hand").median
    chunk = _added(stream, "otelml").median / CHUNKS / 1e3
    ratio = stream.ratio("otelml", "thread_cpu").median
    checks = [
        Check("chat: added, to by hand", f"{ours / floor:.2f}", f"<= {_CHAT_LIMIT}", ours <= floor * _CHAT_LIMIT),
        Check("stream: added, us a chunk", f"{chunk:.2f}", f"<= {_CHUNK_LIMIT:g}", chunk <= _CHUNK_LIMIT),
        Check("stream: to bare", f"{ratio:.3f}", f"<= {_STREAM_LIMIT}", ratio <= _STREAM_LIMIT),
    ]
    for name in _PEERS:
        if name in chat.turns:
            theirs = _added(chat, name).median
            checks.append(Check(f"chat: added, to {name}", f"{ours / theirs:.2f}", "< 1", ours < theirs))
            theirs = _added(stream, name).median
            mine = _added(stream, "otelml").median
            checks.append(Check(f"stream: added, to {name}", f"{mine / theirs:.2f}", "< 1", mine < theirs))
    return checks
