"""What drift, data quality and prediction monitors cost the calls that feed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.harness import Contender, Size, measure
from benchmarks.report import Check, Report, Table, Target, check, ratio_table


class _Load(NamedTuple):
    """A load, how much of it is measured, and the targets."""

    title: str
    options: Mapping[str, Any]
    size: Size
    targets: tuple[Target, ...]


_WATCHED = "otelml, monitors on"
_LOADS = (
    _Load(
        "predict, 1 row of 30 features",
        {},
        Size(8, 10, 1000),
        (Target(_WATCHED, "mean", 1.10), Target(_WATCHED, "p99", 1.30)),
    ),
    _Load("predict, 1,000 rows of 30", {"rows": 1000}, Size(6, 10, 500, 50), (Target(_WATCHED, "mean", 1.15),)),
    _Load("predict, 1 row of 1,000", {"model": "wide", "features": 1000}, Size(4, 10, 500), ()),
    _Load("8 threads, predict, 1 row of 30", {"threads": 8}, Size(4, 10, 1600), ()),
)


def run(quick: bool) -> Report:
    """Measure each load with monitors, without, and bare."""
    tables: list[Table] = []
    checks: list[Check] = []
    for load in _LOADS:
        contenders = [
            Contender("bare", "benchmarks.subjects:bare", load.options),
            Contender("otelml, monitors off", "benchmarks.subjects:otelml", load.options),
            Contender(_WATCHED, "benchmarks.subjects:otelml", {**load.options, "monitors": True}),
        ]
        measured = measure(contenders, Size(1, 2, 16, 2) if quick else load.size)
        tables.append(ratio_table(load.title, measured))
        checks += check(measured, load.targets, load.title)
    return Report(
        title="Monitors on",
        about="`LogisticRegression.predict` in a tight loop, no span around the calls, budget 3%: every call is given "
        "to the monitors of drift, data quality and predictions, which take as many rows as the budget pays for. The "
        "rows are the same ones again and again, so the monitors have drift to report all the time, which costs them "
        "more than none.",
        tables=tables,
        checks=checks,
    )
