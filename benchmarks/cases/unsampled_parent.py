"""Inside a request that was sampled out, the common case in production."""

from __future__ import annotations

from benchmarks.harness import Contender, Size, measure
from benchmarks.report import Report, Target, check, ratio_table

_INSIDE = {"parent": "unsampled"}
_CONTENDERS = [
    Contender("bare", "benchmarks.subjects:bare", _INSIDE),
    Contender("otelml", "benchmarks.subjects:otelml", _INSIDE),
    Contender("span and record by hand", "benchmarks.subjects:span_and_record", _INSIDE),
]
_TARGETS = [Target("otelml", "mean", 1.06), Target("otelml", "p50", 1.04), Target("otelml", "p99", 1.20)]


def run(quick: bool) -> Report:
    """Measure calls inside a parent that was sampled out."""
    measured = measure(_CONTENDERS, Size(1, 2, 40) if quick else Size(8, 10, 1000))
    return Report(
        title="Inside a request that was sampled out",
        about="LogisticRegression.predict, one row; the request's remote parent is not sampled, so neither is the "
        "request (the SDK's default sampler); a call a request. The targets are those of a call outside any span.",
        tables=[ratio_table("", measured)],
        checks=check(measured, _TARGETS),
    )
