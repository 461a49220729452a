"""Burn-rate alerts of every indicator fire when the budget burns, and stay silent when it doesn't."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelml.rules import slo
from otelml.rules.indicators import INDICATORS
from otelml.rules.objectives import Objective, parse_objectives
from otelml.rules.promql import Series
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.rules.promtool import Case, Holds, Made, counter, gauge, made, run

MINUTES = 90
"""Less than the long windows, which need not be full."""
TARGETS = {"availability": 0.999, "precision": 0.8}

OUTCOME = names.EvaluationOutcome
OPERATION = {names.GEN_AI_PROVIDER_NAME: "openai", names.GEN_AI_REQUEST_MODEL: "m"}
CALLS = Series(metrics.ML_INFERENCE_CALLS)
OPERATIONS = Series(metrics.GEN_AI_CLIENT_OPERATION_DURATION)
STATES = names.DriftState


def counts(bad: float, every: float) -> tuple[str, str]:
    """Counters of the bad and of all events, a minute."""
    return counter((MINUTES, bad)), counter((MINUTES, every))


def histogram(series: Series, threshold: float, bad: float, every: float, attributes: dict[str, str]) -> list[Made]:
    """A histogram with so many measurements a minute above a threshold."""
    below, total = counts(every - bad, every)
    le = f"{threshold:g}"
    return [
        made(series.buckets, attributes, below, le=le),
        made(series.buckets, attributes, total, le="+Inf"),
        made(series.count, attributes, total),
    ]


def labelled(series: Series, key: str, bad: tuple[str, float], good: tuple[str, float]) -> list[Made]:
    """Two counters that an attribute tells apart."""
    return [made(series, {key: value}, counter((MINUTES, step))) for value, step in (bad, good)]


def events(indicator: str, bad: float, every: float) -> list[Made]:
    """What an indicator reads when so many events a minute are bad, of so many."""
    failed, total = counts(bad, every)
    good = every - bad
    if indicator == "availability":
        return labelled(CALLS, names.ERROR_TYPE, ("ValueError", bad), ("", good))
    if indicator == "latency":
        return histogram(Series(metrics.ML_INFERENCE_DURATION), 1, bad, every, {})
    if indicator == "data_quality":
        fail, passed = names.DataQualityCheckResult.FAIL, names.DataQualityCheckResult.PASS
        checks = Series(metrics.ML_DATA_QUALITY_CHECKS)
        return labelled(checks, names.ML_DATA_QUALITY_CHECK_RESULT, (fail, bad), (passed, good))
    if indicator == "precision":
        compared = Series(metrics.ML_EVALUATION_PREDICTIONS)
        pair = ((OUTCOME.FALSE_POSITIVE, bad), (OUTCOME.TRUE_POSITIVE, good))
        negatives = made(compared, {names.ML_EVALUATION_OUTCOME: OUTCOME.FALSE_NEGATIVE}, counter((MINUTES, 500)))
        return [*labelled(compared, names.ML_EVALUATION_OUTCOME, *pair), negatives]
    if indicator == "label_freshness":
        return histogram(Series(metrics.ML_FEEDBACK_DELAY), 604800, bad, every, {})
    if indicator == "llm_availability":
        return [
            made(OPERATIONS.count, OPERATION, counter((MINUTES, good))),
            made(OPERATIONS.count, {**OPERATION, names.ERROR_TYPE: "RateLimitError"}, failed),
        ]
    if indicator == "llm_latency":
        return histogram(OPERATIONS, 20.48, bad, every, OPERATION)
    if indicator == "session_cost":
        return histogram(Series(metrics.ML_GEN_AI_CONVERSATION_COST), 0.5, bad, every, {})
    assert indicator == "safety"
    findings = Series(metrics.ML_GEN_AI_SAFETY_FINDINGS)
    action = names.GenAiSafetyAction
    return [
        made(findings, {names.ML_GEN_AI_SAFETY_ACTION: action.BLOCK}, failed),
        made(findings, {names.ML_GEN_AI_SAFETY_ACTION: action.ALLOW}, total),
        made(OPERATIONS.count, OPERATION, total),
    ]


def drift(drifted: float) -> list[Made]:
    """One replica that is well, and one that reports this state of `drifted`."""
    states = Series(metrics.ML_DRIFT_STATUS)
    return [
        made(states, {names.ML_DRIFT_STATE: STATES.DRIFTED}, gauge((MINUTES, drifted)), instance="a"),
        made(states, {names.ML_DRIFT_STATE: STATES.DRIFTED}, gauge((MINUTES, 0)), instance="b"),
        made(states, {names.ML_DRIFT_STATE: STATES.OK}, gauge((MINUTES, 1)), instance="b"),
    ]


def tokens(per_minute: float, busy: float) -> list[Made]:
    """Output tokens, and seconds of generation, a minute."""
    usage = Series(metrics.GEN_AI_CLIENT_TOKEN_USAGE).sum
    kind = names.GEN_AI_TOKEN_TYPE
    return [
        made(usage, {**OPERATION, kind: names.GenAiTokenType.OUTPUT}, counter((MINUTES, per_minute))),
        made(usage, {**OPERATION, kind: names.GenAiTokenType.INPUT}, counter((MINUTES, 90000))),
        made(OPERATIONS.sum, OPERATION, counter((MINUTES, busy))),
    ]


THRESHOLDS = {
    "latency": 1,
    "label_freshness": 604800,
    "llm_latency": 20.48,
    "session_cost": 0.5,
    "token_throughput": 15,
}


def objective(indicator: str, target: float = 0.99) -> Objective:
    """An objective of this indicator."""
    threshold = f", threshold: {THRESHOLDS[indicator]}" if indicator in THRESHOLDS else ""
    text = f"""
    apiVersion: otelml/v1
    kind: SLO
    metadata: {{name: {indicator.replace("_", "-")}}}
    spec:
      service: s
      indicator: {{type: {indicator}{threshold}}}
      objectives: [{{target: {TARGETS.get(indicator, target)}}}]
    """
    return parse_objectives(text, "slo.yaml", planned=True).slos[0]


COUNTED = [name for name in INDICATORS if name not in ("drift_free", "token_throughput")]
PAGE = ',severity="page"'


def case(name: str, fires: int, series: list[Made], at: int = MINUTES - 1) -> Case:
    """A case of the fast alerts."""
    return Case(name, slo.ALERT, fires, at, series, PAGE)


@pytest.mark.parametrize("indicator", COUNTED)
def test_budget_of_counted_events(indicator: str, tmp_path: Path) -> None:
    """All bad: every page fires. None bad, or few events in all: silence."""
    goal = objective(indicator)
    pages = sum(step.severity == "page" for step in goal.alerts)
    few = goal.minimum_events / 6 / MINUTES  # below the floor, in the longest window of a page
    cases = [
        case("all bad", pages, events(indicator, 90, 100)),
        case("none bad", 0, events(indicator, 0, 100)),
        case("within the budget", 0, events(indicator, (1 - goal.target) * 100 / 2, 100)),
        case("few events", 0, events(indicator, few, few)),
    ]
    run(tmp_path, slo.groups(goal), cases)


def test_budget_of_drift_free_minutes(tmp_path: Path) -> None:
    """One drifted replica burns the budget; none does not; no state at all is no drift."""
    cases = [case("drifted", 2, drift(1)), case("well", 0, drift(0)), case("no monitor", 0, [])]
    run(tmp_path, slo.groups(objective("drift_free")), cases)


def test_budget_of_token_throughput(tmp_path: Path) -> None:
    """Slow minutes count where there is traffic, whatever the number of tokens."""
    cases = [
        case("10 tokens a second", 2, tokens(300, 30)),
        case("20 tokens a second", 0, tokens(600, 30)),
        case("20 tokens a second, little traffic", 0, tokens(20, 1)),
        case("no traffic", 0, tokens(0, 0)),
    ]
    run(tmp_path, slo.groups(objective("token_throughput")), cases)


def test_an_alert_ends_soon_after_its_cause(tmp_path: Path) -> None:
    """The short window ends the alert while the long one still remembers."""
    bad = made(CALLS, {names.ERROR_TYPE: "ValueError"}, counter((120, 0), (20, 50), (60, 0)))
    good = made(CALLS, {names.ERROR_TYPE: ""}, counter((200, 50)))
    fast = f'{PAGE},burn_window="1h"'
    cases = [
        Case("during", slo.ALERT, 1, 139, [bad, good], fast),
        Case("20 minutes later", slo.ALERT, 0, 160, [bad, good], fast),
    ]
    run(tmp_path, slo.groups(objective("availability")), cases)


def test_slow_burn_is_a_ticket(tmp_path: Path) -> None:
    """Errors at four times the budget's rate wake nobody up, and are a ticket."""
    minutes = 150
    bad = made(CALLS, {names.ERROR_TYPE: "ValueError"}, counter((minutes, 0.4)))
    good = made(CALLS, {names.ERROR_TYPE: ""}, counter((minutes, 99.6)))
    cases = [
        Case("no page", slo.ALERT, 0, minutes - 1, [bad, good], PAGE),
        Case("tickets", slo.ALERT, 2, minutes - 1, [bad, good], ',severity="ticket"'),
    ]
    run(tmp_path, slo.groups(objective("availability")), cases)


def test_remaining_budget(tmp_path: Path) -> None:
    """Half of the allowed errors leave half of the budget."""
    goal = objective("availability")
    query = f"abs(sum({slo.BUDGET}) - 0.5) < bool 0.001"
    run(tmp_path, slo.groups(goal), [Holds("half", query, MINUTES - 1, events("availability", 0.5, 1000))])


@pytest.mark.parametrize("indicator", ["availability", "data_quality", "precision", "llm_availability", "safety"])
def test_no_series_of_bad_events_means_none(indicator: str, tmp_path: Path) -> None:
    """Where nothing bad has ever happened there is no series for it, and the whole budget is left."""
    every = events(indicator, 0, 100)
    zero = counter((MINUTES, 0))
    good = [(series, values) for series, values in every if values != zero]
    assert len(good) < len(every)
    run(tmp_path, slo.groups(objective(indicator)), [Holds("none", f"sum({slo.BUDGET}) == bool 1", MINUTES - 1, good)])
