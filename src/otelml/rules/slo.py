"""The rules of one objective: its events, its error ratios by window, its error budget, and its alerts."""

from __future__ import annotations

from otelml.rules.burn import BurnAlert
from otelml.rules.indicators import INDICATORS, STEP
from otelml.rules.objectives import Objective
from otelml.rules.promql import seconds
from otelml.rules.rule import Alert, Group, Recording

BAD = f"otelml:slo_bad_events:rate{STEP}"
TOTAL = f"otelml:slo_events:rate{STEP}"
ERRORS = "otelml:slo_errors:ratio"
EVENTS = "otelml:slo_events:count"
OBJECTIVE = "otelml:slo_objective:ratio"
BUDGET = "otelml:slo_error_budget_remaining:ratio"
ALERT = "SloBudgetBurn"
#: The window that every objective has, whatever its alerts' windows, so that dashboards can compare objectives.
SHOWN = "1h"

_INTERVAL_SECONDS = 60
_BUDGET_INTERVAL = "5m"


def groups(slo: Objective) -> tuple[Group, Group]:
    """Return the group that is evaluated every minute, and the slower one of the error budget.

    Everything is summed up from the two rates of events, so that windows without traffic weigh nothing.
    """
    rates = INDICATORS[slo.indicator].rates(slo.where, slo.threshold)
    own = {"slo": slo.name, "service": slo.service}
    rules: list[Recording | Alert] = [
        Recording(TOTAL, rates.total, own),
        Recording(BAD, rates.bad, own),
        Recording(OBJECTIVE, f"vector({slo.target:g})", own),
    ]
    windows = {SHOWN, *(window for alert in slo.alerts for window in (alert.long, alert.short))}
    for window in sorted(windows, key=seconds):
        rules.append(Recording(ERRORS, _ratio(slo, window), {**own, "window": window}))
    for window in sorted({alert.long for alert in slo.alerts}, key=seconds):
        rules.append(Recording(EVENTS, _count(slo, window), {**own, "window": window}))
    rules += [_alert(slo, step) for step in slo.alerts]
    ratio = _ratio(slo, slo.period)
    spent = f'{ERRORS}{{slo="{slo.name}",window="{slo.period}"}} / {1 - slo.target:.6g}'
    budget = (
        Recording(ERRORS, ratio, {**own, "window": slo.period}),
        Recording(BUDGET, f"1 - sum({spent})", own),
    )
    return (
        Group(f"slo-{slo.name}", tuple(rules), f"{_INTERVAL_SECONDS}s"),
        Group(f"slo-{slo.name}-budget", budget, _BUDGET_INTERVAL),
    )


def _ratio(slo: Objective, window: str) -> str:
    mine = f'{{slo="{slo.name}"}}'
    return f"sum_over_time({BAD}{mine}[{window}]) / (sum_over_time({TOTAL}{mine}[{window}]) > 0)"


def _count(slo: Objective, window: str) -> str:
    return f'{_INTERVAL_SECONDS} * sum_over_time({TOTAL}{{slo="{slo.name}"}}[{window}])'


def _alert(slo: Objective, step: BurnAlert) -> Alert:
    limit = f"{step.factor * (1 - slo.target):.6g}"

    def chosen(name: str, window: str) -> str:
        return f'{name}{{slo="{slo.name}",window="{window}"}}'

    expression = " and ignoring(window) ".join(
        (
            f"{chosen(ERRORS, step.long)} > {limit}",
            f"({chosen(ERRORS, step.short)} > {limit})",
            f"({chosen(EVENTS, step.long)} >= {slo.minimum_events:g})",
            f"({chosen(ERRORS, step.long)} * {chosen(EVENTS, step.long)} >= {slo.minimum_bad_events:g})",
        )
    )
    indicator = INDICATORS[slo.indicator]
    return Alert(
        ALERT,
        expression,
        step.severity,
        f"{slo.description or slo.name}: {{{{ $value | humanizePercentage }}}} of the {indicator.events} of {step.long}"
        f" were bad; the objective {slo.name} allows {(1 - slo.target) * 100:.4g}%, and {step.budget * 100:.2g}% of the"
        f" error budget of {slo.period} is gone when this lasts {step.long}",
        indicator.first_look,
        "slo-budget-burn",
        labels={"slo_indicator": slo.indicator, "burn_window": step.long},
    )
