"""Inside a request's recording span every call gets a span: against the same written by hand."""

from __future__ import annotations

from benchmarks.harness import Contender, Size, measure
from benchmarks.report import Report, Target, check, ratio_table

_INSIDE = {"parent": "recording"}
_HAND = "span and record by hand"
_CONTENDERS = [
    Contender("bare", "benchmarks.subjects:bare", _INSIDE),
    Contender("otelml", "benchmarks.subjects:otelml", _INSIDE),
    Contender("otelml, budget 100%", "benchmarks.subjects:otelml", {"budget": "100%", **_INSIDE}),
    Contender(_HAND, "benchmarks.subjects:span_and_record", _INSIDE),
]
_TARGETS = [
    Target("otelml", "mean", 1.05, to=_HAND),
    Target("otelml", "p50", 1.05, to=_HAND),
]


def run(quick: bool) -> Report:
    """Measure calls inside a parent that records."""
    measured = measure(_CONTENDERS, Size(1, 2, 40) if quick else Size(8, 10, 1000))
    return Report(
        title="Inside a recording parent: a span for every call",
        about="LogisticRegression.predict, one row; a request span around every call, not timed itself. By hand: a "
        "current span with five attributes, and one histogram record with the same five.",
        tables=[
            ratio_table("Against bare:", measured),
            ratio_table("Against the span and the record written by hand:", measured, to=_HAND),
        ],
        checks=check(measured, _TARGETS),
        notes=[
            "The targets are for the default budget; a budget of 100% records every duration as well, as the code by "
            "hand does."
        ],
    )
