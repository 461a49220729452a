"""A call that is all overhead: `LogisticRegression.predict` of one row, in a tight loop, outside any span."""

from __future__ import annotations

from benchmarks.alternating import HEADER, rounds
from benchmarks.harness import Contender, Size, measure
from benchmarks.report import Report, Table, Target, check, held, ratio_table

_CONTENDERS = [
    Contender("bare", "benchmarks.subjects:bare"),
    Contender("bare again", "benchmarks.subjects:bare"),
    Contender("otelml", "benchmarks.subjects:otelml"),
    Contender("otelml, budget 1%", "benchmarks.subjects:otelml", {"budget": "1%"}),
    Contender("otelml, budget 100%", "benchmarks.subjects:otelml", {"budget": "100%"}),
    Contender("histogram.record by hand", "benchmarks.subjects:record"),
    Contender("span and record by hand", "benchmarks.subjects:span_and_record"),
]
_TARGETS = [Target("otelml", "mean", 1.06), Target("otelml", "p99", 1.20)]


def run(quick: bool) -> Report:
    """Measure 100,000 calls of each contender."""
    measured = measure(_CONTENDERS, Size(1, 2, 50) if quick else Size(10, 10, 1000))
    calls = sum(1 for _ in measured.turns["bare"]) * (50 if quick else 1000)
    alone = {
        budget: rounds("benchmarks.subjects:alternating", {"budget": budget}, 3 if quick else 300)
        for budget in ("3%", "1%")
    }
    rows = [row for budget, turns in alone.items() for row in turns.rows(f"budget {budget}", ("bare again", "otelml"))]
    return Report(
        title="LogisticRegression.predict, one row",
        about=f"{calls:,} calls of each in a tight loop, no span around them. The budget is the default of 3% where "
        "none is named. `bare again` shows how far processes of the same program are apart: by as much as the limits "
        "of the median and of the budget of 1%, so these two are held against one process that puts our methods in "
        "and takes them out; there, the brackets are 95% intervals. By hand: five attributes on the span and on the "
        "record.",
        tables=[ratio_table("", measured), Table("", HEADER, rows)],
        checks=[
            *check(measured, _TARGETS),
            held("otelml, p50 to bare", alone["3%"].ratio("otelml", statistic="p50"), 1.04),
            held("otelml, budget 1%, mean to bare", alone["1%"].ratio("otelml"), 1.04),
        ],
    )
