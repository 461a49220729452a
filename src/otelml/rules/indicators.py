"""The service-level indicators: what counts as an event, and what as a bad one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from otelml.rules.naming import Named
from otelml.rules.promql import Series, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics

#: How far back the events of one evaluation are counted.
STEP = "5m"


@dataclass(frozen=True, slots=True)
class Rates:
    """Queries for the rates, a second each, of bad events and of all events."""

    bad: str
    total: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """A kind of service-level indicator.

    Attributes:
        events: what is counted.
        threshold: what the threshold means, in words; empty for an indicator that has none.
        histogram: where the threshold must be one of the boundaries of a histogram, that histogram.
        metrics: all metrics that the queries read. A condition must be on an attribute that each of them has.
        minimum_events: the fewest events in an alert's long window for the alert to fire, by default.
        first_look: what to look at first when the budget burns.
    """

    events: str
    metrics: tuple[Named, ...]
    rates: Callable[[Sequence[str], float], Rates]
    first_look: str
    minimum_events: int
    threshold: str = ""
    histogram: Named | None = None


def _or_none(bad: str, total: str) -> Rates:
    """No series of bad events means none, as long as there are events at all."""
    return Rates(f"{bad} or 0 * {total}", total)


def _availability(metric: Named, suffix: str = "") -> Callable[[Sequence[str], float], Rates]:
    def rates(where: Sequence[str], _: float) -> Rates:
        calls = Series(metric, suffix, tuple(where))
        return _or_none(rate(calls.where(names.ERROR_TYPE, "!=", ""), STEP), rate(calls, STEP))

    return rates


def _above(metric: Named, *conditions: tuple[str, str, str]) -> Callable[[Sequence[str], float], Rates]:
    """Measurements above the threshold are bad."""

    def rates(where: Sequence[str], threshold: float) -> Rates:
        series = Series(metric, matchers=tuple(where))
        for key, operator, value in conditions:
            series = series.where(key, operator, value)
        total = rate(series.count, STEP)
        return Rates(f"clamp_min({total} - {rate(series.up_to(threshold), STEP)}, 0)", total)

    return rates


def _drift_free(where: Sequence[str], _: float) -> Rates:
    """Minutes, as rates a second: a minute is bad if any replica says that anything has drifted."""
    states = Series(metrics.ML_DRIFT_STATUS, matchers=tuple(where))
    drifted = states.where(names.ML_DRIFT_STATE, "=", names.DriftState.DRIFTED)
    judged = f"max({states})"
    return Rates(f"(max({drifted}) or 0 * {judged}) / 60", f"({judged} >= bool 0) / 60")


def _token_throughput(where: Sequence[str], threshold: float) -> Rates:
    """Minutes with traffic; a minute is bad if fewer tokens were written for each second of generation."""
    tokens = Series(metrics.GEN_AI_CLIENT_TOKEN_USAGE, matchers=tuple(where)).where(
        names.GEN_AI_TOKEN_TYPE, "=", names.GenAiTokenType.OUTPUT
    )
    duration = Series(metrics.GEN_AI_CLIENT_OPERATION_DURATION, matchers=tuple(where)).where(names.ERROR_TYPE, "=", "")
    speed = f"({rate(tokens.sum, STEP)} / ({rate(duration.sum, STEP)} > 0))"
    return Rates(f"({speed} < bool {threshold:g}) / 60", f"({speed} >= bool 0) / 60")


def _precision(where: Sequence[str], _: float) -> Rates:
    compared = Series(metrics.ML_EVALUATION_PREDICTIONS, matchers=tuple(where))
    outcome = names.EvaluationOutcome
    positive = compared.where(names.ML_EVALUATION_OUTCOME, "=~", f"{outcome.TRUE_POSITIVE}|{outcome.FALSE_POSITIVE}")
    wrong = compared.where(names.ML_EVALUATION_OUTCOME, "=", outcome.FALSE_POSITIVE)
    return _or_none(rate(wrong, STEP), rate(positive, STEP))


def _safety(where: Sequence[str], _: float) -> Rates:
    findings = Series(metrics.ML_GEN_AI_SAFETY_FINDINGS, matchers=tuple(where)).where(
        names.ML_GEN_AI_SAFETY_ACTION, "!=", names.GenAiSafetyAction.ALLOW
    )
    calls = Series(metrics.GEN_AI_CLIENT_OPERATION_DURATION, matchers=tuple(where))
    return _or_none(rate(findings, STEP), rate(calls.count, STEP))


def _data_quality(where: Sequence[str], _: float) -> Rates:
    checks = Series(metrics.ML_DATA_QUALITY_CHECKS, matchers=tuple(where))
    failed = checks.where(names.ML_DATA_QUALITY_CHECK_RESULT, "=", names.DataQualityCheckResult.FAIL)
    return _or_none(rate(failed, STEP), rate(checks, STEP))


INDICATORS: Mapping[str, Indicator] = {
    "availability": Indicator(
        "calls",
        (metrics.ML_INFERENCE_CALLS,),
        _availability(metrics.ML_INFERENCE_CALLS),
        "the dashboard Model serving: which error type and which model version; then a span of a failed call",
        20,
    ),
    "latency": Indicator(
        "calls",
        (metrics.ML_INFERENCE_DURATION,),
        _above(metrics.ML_INFERENCE_DURATION, (names.ERROR_TYPE, "=", "")),
        "the dashboard Model serving: whether all calls became slow or the batches larger; then a span of a slow call",
        20,
        "seconds that a call may take",
        metrics.ML_INFERENCE_DURATION,
    ),
    "drift_free": Indicator(
        "minutes",
        (metrics.ML_DRIFT_STATUS,),
        _drift_free,
        "the dashboard Drift: which features moved and which bins; then what changed upstream of them",
        30,
    ),
    "data_quality": Indicator(
        "checks",
        (metrics.ML_DATA_QUALITY_CHECKS,),
        _data_quality,
        "the dashboard Drift: which check fails for which feature; then the job that fills the feature",
        20,
    ),
    "precision": Indicator(
        "positive predictions with a label",
        (metrics.ML_EVALUATION_PREDICTIONS,),
        _precision,
        "whether the labels are complete and of the same kind as before; then drift, and the last change of the model",
        100,
    ),
    "label_freshness": Indicator(
        "labels",
        (metrics.ML_FEEDBACK_DELAY,),
        _above(metrics.ML_FEEDBACK_DELAY),
        "the job that delivers the labels: when it ran last, and what it delivered",
        50,
        "seconds between a prediction and its label",
        metrics.ML_FEEDBACK_DELAY,
    ),
    "llm_availability": Indicator(
        "operations",
        (metrics.GEN_AI_CLIENT_OPERATION_DURATION,),
        _availability(metrics.GEN_AI_CLIENT_OPERATION_DURATION, "_count"),
        "the dashboard LLM: which error type and which provider; then the provider's status page",
        20,
    ),
    "llm_latency": Indicator(
        "operations",
        (metrics.GEN_AI_CLIENT_OPERATION_DURATION,),
        _above(metrics.GEN_AI_CLIENT_OPERATION_DURATION, (names.ERROR_TYPE, "=", "")),
        "the dashboard LLM: whether one model became slow, or the answers longer",
        20,
        "seconds that an operation may take",
        metrics.GEN_AI_CLIENT_OPERATION_DURATION,
    ),
    "token_throughput": Indicator(
        "minutes with traffic",
        (metrics.GEN_AI_CLIENT_TOKEN_USAGE, metrics.GEN_AI_CLIENT_OPERATION_DURATION),
        _token_throughput,
        "the dashboard LLM: whether one model or one provider became slow; then its status page and your rate limits",
        10,
        "output tokens for each second of generation",
    ),
    "session_cost": Indicator(
        "conversations",
        (metrics.ML_GEN_AI_CONVERSATION_COST,),
        _above(metrics.ML_GEN_AI_CONVERSATION_COST),
        "the dashboard LLM: whether turns or tokens a turn grew; then the longest conversations",
        20,
        "US dollars that a conversation may cost",
        metrics.ML_GEN_AI_CONVERSATION_COST,
    ),
    "safety": Indicator(
        "operations",
        (metrics.ML_GEN_AI_SAFETY_FINDINGS, metrics.GEN_AI_CLIENT_OPERATION_DURATION),
        _safety,
        "which category and which model; then the events of the findings",
        50,
    ),
}
