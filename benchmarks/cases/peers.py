"""Other products on the same call, each against bare in its own environment, otelml beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks import peers
from benchmarks.harness import Contender, ContenderFailed, Measurement, Size, measure
from benchmarks.report import Report, Table, ratio_text

_STATISTICS = ("mean", "p50", "p99", "thread_cpu")


class _Peer(NamedTuple):
    """A peer: how it is measured, and what it is called."""

    title: str
    environment: str
    subject: str
    options: Mapping[str, Any]
    newest: tuple[int, int] | None = None


_PEERS = (
    _Peer("MLflow 3.17 autologging, fitted before", "mlflow", "mlflow", {"fit": "before"}),
    _Peer("MLflow 3.17 autologging, fitted under it", "mlflow", "mlflow", {"fit": "under"}),
    _Peer("New Relic 14.1 in a transaction", "newrelic", "newrelic", {"machine_learning": False}),
    _Peer("New Relic 14.1, machine learning on", "newrelic", "newrelic", {"machine_learning": True}),
    _Peer("opentelemetry-instrumentation-sklearn 0.46b0", "otel-sklearn", "otel_sklearn", {}, (3, 11)),
)


def run(quick: bool) -> Report:
    """Measure the peers that install, and otelml."""
    pythons, notes = _pythons()
    contenders = [
        Contender("bare", "benchmarks.subjects:bare"),
        Contender("otelml", "benchmarks.subjects:otelml"),
        *(Contender(_bare(name), "benchmarks.subjects:bare", python=python) for name, python in pythons.items()),
    ]
    for peer in _PEERS:
        if peer.environment in pythons:
            made = f"benchmarks.peer_subjects:{peer.subject}"
            contenders.append(Contender(peer.title, made, peer.options, pythons[peer.environment]))
    working, failures = _working(contenders)
    # A turn is short, since some take milliseconds a call.
    measured = measure(working, Size(1, 2, 20, 5) if quick else Size(5, 10, 200, 20))
    bases = {peer.title: _bare(peer.environment) for peer in _PEERS}
    rows = [_row(measured, name, bases.get(name, "bare")) for name in measured.turns if not name.startswith("bare")]
    return Report(
        title="Other products on the same call",
        about="LogisticRegression.predict, one row, in one run; each product in an environment of its own, against "
        "bare there. The versions are pinned in `benchmarks/peers-*.txt`.",
        tables=[Table("", ["", "bare there, us (p50)", "us (p50)", "mean", "p50", "p99", "CPU, caller"], rows)],
        notes=[
            *notes,
            *failures,
            "What they do differs. MLflow keeps a data set for later metric calls, and logs to its store only what was "
            "fitted under it. New Relic makes metrics of every feature and label; its calls run 20 to a background "
            "task, which is not timed. The discontinued instrumentation makes a span with nothing on it; it needs "
            "scikit-learn 1.2.2, where the bare call is several times quicker, so compare its microseconds.",
        ],
    )


def _pythons() -> tuple[dict[str, str], list[str]]:
    pythons: dict[str, str] = {}
    notes: list[str] = []
    for peer in _PEERS:
        if peer.environment in pythons:
            continue
        try:
            pythons[peer.environment] = peers.python_of(peer.environment, peer.newest)
        except peers.Unavailable as reason:
            notes.append(f"{peer.title} is left out: {reason}.")
    return pythons, notes


def _working(contenders: list[Contender]) -> tuple[list[Contender], list[str]]:
    """Those that make a call; a peer that fails does not end the run."""
    working: list[Contender] = []
    notes: list[str] = []
    for contender in contenders:
        try:
            measure([contender], Size(1, 1, 1, 0))
        except ContenderFailed as failure:
            notes.append(f"{contender.name} is left out: {str(failure).strip().splitlines()[-1]}.")
        else:
            working.append(contender)
    return working, notes


def _bare(environment: str) -> str:
    return f"bare, {environment}"


def _row(measured: Measurement, name: str, base: str) -> list[str]:
    times = [f"{measured.spread(contender, 'p50').median / 1e3:.1f}" for contender in (base, name)]
    return [name, *times, *(ratio_text(measured.ratio(name, statistic, base)) for statistic in _STATISTICS)]
