"""The budget on other models, on batches, and from several threads at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.alternating import HEADER, rounds
from benchmarks.harness import Contender, Measurement, Size, measure
from benchmarks.report import Check, Report, Table, held, ratio_text


class _Load(NamedTuple):
    """A load, how much of it is measured, and how many calls a turn of one process has where it is measured so."""

    title: str
    options: Mapping[str, Any]
    size: Size
    calls: int = 0
    limit: float | None = None


_LOADS = (
    _Load("forest of 20 trees, 1 row", {"model": "forest"}, Size(5, 10, 200, 20), 60, 1.04),
    _Load("pipeline of 3 steps, 1 row", {"model": "pipeline"}, Size(5, 10, 300, 30), 150, 1.04),
    _Load("predict_proba, 1 row", {"method": "predict_proba"}, Size(5, 10, 1000), 400),
    _Load("predict, 1000 rows", {"rows": 1000}, Size(5, 10, 500, 50), 300),
    _Load("predict_proba, 1000 rows", {"method": "predict_proba", "rows": 1000}, Size(5, 10, 500, 50), 300),
    _Load("pipeline of 3 steps, 1000 rows", {"model": "pipeline", "rows": 1000}, Size(5, 10, 200, 20), 100),
    _Load("8 threads, predict, 1 row", {"threads": 8}, Size(5, 10, 1600), 0, 1.06),
    _Load("own estimator of a few us, 1 row", {"model": "nearest"}, Size(5, 10, 10_000, 1000), 1000),
)


def run(quick: bool) -> Report:
    """Measure each load with otelml and without."""
    rows: list[list[str]] = []
    alone: list[list[str]] = []
    checks: list[Check] = []
    for load in _LOADS:
        contenders = [Contender(name, f"benchmarks.subjects:{name}", load.options) for name in ("bare", "otelml")]
        measured = measure(contenders, Size(1, 2, 16, 2) if quick else load.size)
        rows.append([load.title, *_cells(measured)])
        ratio = measured.ratio("otelml", "mean")
        if load.calls:
            options = {**load.options, "calls": load.calls}
            turns = rounds("benchmarks.subjects:alternating", options, 3 if quick else 120)
            alone += turns.rows(load.title, ("bare again", "otelml"))
            ratio = turns.ratio("otelml")
        if load.limit is not None:
            checks.append(held(f"{load.title}, otelml, mean to bare", ratio, load.limit))
    header = ["", "bare, us a call (p50)", "mean", "p50", "p99", "CPU, process"]
    return Report(
        title="Other models, batches and threads",
        about="otelml against bare, budget 3%, in processes of their own, then in one process that puts our methods in "
        "and takes them out (medians and 95% intervals), by which the limits are decided. With 8 threads the mean is "
        "that of the throughput.",
        tables=[Table("", header, rows), Table("", HEADER, alone)],
        checks=checks,
        notes=[
            "What a budget cannot go below is exact counting: the `us added` of the own estimator for a call, some "
            "0.5 to 1 us for each call inside it, and in batches 5 ns for a label and 15 ns for a row of "
            "probabilities. Limits are set where that leaves room: the budget, and a percent for lost caches.",
        ],
    )


def _cells(measured: Measurement) -> list[str]:
    ratios = [ratio_text(measured.ratio("otelml", name)) for name in ("mean", "p50", "p99", "process_cpu")]
    return [f"{measured.spread('bare', 'p50').median / 1e3:.1f}", *ratios]
