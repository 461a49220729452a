"""Counts are exact to the last one, and the recorded durations are an unbiased sample."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.exact import QUANTILES
from benchmarks.harness import Contender, Size, measure
from benchmarks.report import Check, Report, Table

_STANDARD_ERRORS = 3
_MODELS = {
    "booked": "LogisticRegression",
    "lasting": "log-normal durations",
    "phases": "log-normal, phases of 50 and 450 us",
}
_UNBIASED = ("lasting", "phases")


def run(quick: bool) -> Report:
    """Compare what is exported with what happened."""
    size = Size(1, 2, 500, 0) if quick else Size(1, 10, 10_000, 0)
    told = {
        (model, budget): _facts(model, budget, size)
        for model, budget in (("booked", "3%"), ("booked", "100%"), ("lasting", "3%"), ("phases", "3%"))
    }
    checks = [check for key, facts in told.items() for check in _checks(*key, facts)]
    return Report(
        title="Exactness",
        about="An estimator keeps its own books from inside its calls, and the caller from outside; both are compared "
        "with what is exported. 1 call in 500 of LogisticRegression raises. The histogram has buckets of 0.5% here. "
        "The durations of the other estimators are drawn from wide distributions, so that the time between two clocks "
        "does not matter: the rank of an exported quantile among all durations shall be the quantile itself, within "
        f"{_STANDARD_ERRORS} standard errors of a sample of that size.",
        tables=[_quantile_table(told)],
        checks=checks,
        notes=[
            "Phases: the share recorded follows long means, of the calls' durations and of the cost of recording. With "
            "short ones slow phases were recorded up to nine times as densely as quick ones.",
        ],
    )


def _facts(model: str, budget: str, size: Size) -> dict[str, Any]:
    contender = Contender("otelml", "benchmarks.exact:otelml", {"model": model, "budget": budget})
    return measure([contender], size).facts["otelml"]


def _checks(model: str, budget: str, facts: dict[str, Any]) -> list[Check]:
    prefix = f"{_MODELS[model]}, budget {budget}:"
    checks = [
        Check(f"{prefix} {name}", _number(facts[name][1]), _number(facts[name][0]), facts[name][0] == facts[name][1])
        for name in ("calls", "errors", "samples")
    ]
    booked, exported = facts["classes"]
    checks.append(Check(f"{prefix} classes", str(exported), str(booked), booked == exported))
    inside, time, outside = facts["time"]
    checks.append(
        Check(f"{prefix} time", f"{time:.4f} s", f"{inside:.4f} to {outside:.4f} s", inside <= time <= outside)
    )
    if budget == "100%":
        recorded = facts["recorded"]
        checks.append(
            Check(
                f"{prefix} durations recorded",
                f"{recorded:,}",
                _number(facts["calls"][0]),
                recorded == facts["calls"][0],
            )
        )
    if model in _UNBIASED:
        for quantile, (_, _, rank) in zip(QUANTILES, facts["quantiles"], strict=True):
            error = _STANDARD_ERRORS * math.sqrt(quantile * (1 - quantile) / facts["recorded"])
            within = abs(rank - quantile) <= error
            checks.append(
                Check(f"{prefix} rank of p{quantile * 100:g}", f"{rank:.4f}", f"{quantile:g} ± {error:.4f}", within)
            )
    return checks


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _quantile_table(told: dict[tuple[str, str], dict[str, Any]]) -> Table:
    rows = [
        [
            f"{_MODELS[model]}, budget {budget}",
            f"{facts['recorded']:,} of {_number(facts['calls'][0])}",
            *_quantile_cells(facts),
        ]
        for (model, budget), facts in told.items()
    ]
    header = ["", "durations recorded", *(f"p{quantile * 100:g}: all / recorded, us" for quantile in QUANTILES)]
    return Table("Quantiles of all durations, and of those in the exported histogram:", header, rows)


def _quantile_cells(facts: dict[str, Any]) -> list[str]:
    return [f"{full * 1e6:.1f} / {recorded * 1e6:.1f} (rank {rank:.4f})" for full, recorded, rank in facts["quantiles"]]
