"""The budget on other models, on batches, and from several threads at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.harness import Contender, Measurement, Size, measure
from benchmarks.report import Check, Report, Table, Target, check, ratio_text


class _Load(NamedTuple):
    """A load, how much of it is measured, and the targets."""

    title: str
    options: Mapping[str, Any]
    size: Size
    targets: tuple[Target, ...]


_LONG = (Target("otelml", "mean", 1.03),)
_SHORT = (
    Target("otelml", "mean", 1.06),
)  # as for LogisticRegression.predict: what a call's counting takes alone is near the budget
_LOADS = (
    _Load("forest of 20 trees, 1 row", {"model": "forest"}, Size(5, 10, 200, 20), _LONG),
    _Load("pipeline of 3 steps, 1 row", {"model": "pipeline"}, Size(5, 10, 300, 30), _LONG),
    _Load("predict_proba, 1 row", {"method": "predict_proba"}, Size(5, 10, 1000), _SHORT),
    _Load("predict, 1000 rows", {"rows": 1000}, Size(5, 10, 500, 50), _SHORT),
    _Load("predict_proba, 1000 rows", {"method": "predict_proba", "rows": 1000}, Size(5, 10, 500, 50), _SHORT),
    _Load("pipeline of 3 steps, 1000 rows", {"model": "pipeline", "rows": 1000}, Size(5, 10, 200, 20), _LONG),
    _Load("8 threads, predict, 1 row", {"threads": 8}, Size(5, 10, 1600), _SHORT),
    _Load("own estimator of a few us, 1 row", {"model": "nearest"}, Size(5, 10, 10_000, 1000), ()),
)


def run(quick: bool) -> Report:
    """Measure each load with otelml and without."""
    rows: list[list[str]] = []
    checks: list[Check] = []
    notes: list[str] = []
    for load in _LOADS:
        contenders = [Contender(name, f"benchmarks.subjects:{name}", load.options) for name in ("bare", "otelml")]
        measured = measure(contenders, Size(1, 2, 16, 2) if quick else load.size)
        rows.append([load.title, *_cells(measured)])
        checks += check(measured, load.targets, load.title)
        if not load.targets:
            fixed = measured.difference("otelml", "p50")
            notes.append(
                f"{load.title}: otelml's fixed cost, counting a call, is {fixed.median / 1e3:.2f} us (p50) "
                f"[{fixed.lower / 1e3:.2f}, {fixed.upper / 1e3:.2f}] on a call of "
                f"{measured.spread('bare', 'p50').median / 1e3:.1f} us. A budget cannot go below it."
            )
    header = ["", "bare, us a call (p50)", "mean", "p50", "p99", "CPU, process"]
    return Report(
        title="Other models, batches and threads",
        about="otelml against bare, budget 3%. With 8 threads the mean is that of the throughput.",
        tables=[Table("", header, rows)],
        checks=checks,
        notes=notes,
    )


def _cells(measured: Measurement) -> list[str]:
    ratios = [ratio_text(measured.ratio("otelml", name)) for name in ("mean", "p50", "p99", "process_cpu")]
    return [f"{measured.spread('bare', 'p50').median / 1e3:.1f}", *ratios]
