"""Alerts on model serving and data quality fire when they must, and are silent when they must."""

from __future__ import annotations

from pathlib import Path

from otelml.rules.limits import default_limits
from otelml.rules.packs import quality, serving
from otelml.rules.promql import Series
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.rules.promtool import Case, Made, counter, made, run

LIMITS = default_limits()
CALLS = Series(metrics.ML_INFERENCE_CALLS)
CHURN = {names.ML_MODEL_NAME: "churn", names.ML_MODEL_VERSION: "2"}
DAY = 24 * 60
WEEK = 7 * DAY


def calls(failed: float, good: float, minutes: int = 30) -> list[Made]:
    """Calls a minute."""
    return [
        made(CALLS, CHURN, counter((minutes, good))),
        made(CALLS, {**CHURN, names.ERROR_TYPE: "ValueError"}, counter((minutes, failed))),
    ]


def test_model_calls_fail(tmp_path: Path) -> None:
    """A tenth of the calls failing fires; a fiftieth does not, nor do three calls in all."""
    cases = [
        Case("a tenth", "ModelCallsFail", 1, 29, calls(1, 9)),
        Case("a fiftieth", "ModelCallsFail", 0, 29, calls(0.2, 9.8)),
        Case("few calls", "ModelCallsFail", 0, 29, calls(0.1, 0.1)),
    ]
    run(tmp_path, [serving.group(LIMITS["serving"])], cases)


def test_model_silent(tmp_path: Path) -> None:
    """Traffic at this time yesterday and none now fires, also when only a version changed the version is no matter."""
    yesterday = counter((60, 10), (DAY - 60, 0), (60, 0))
    steady = counter((DAY + 60, 10))
    at = DAY + 45
    new = {**CHURN, names.ML_MODEL_VERSION: "3"}
    cases = [
        Case("silent", "ModelSilent", 1, at, [made(CALLS, CHURN, yesterday)]),
        Case("steady", "ModelSilent", 0, at, [made(CALLS, CHURN, steady)]),
        Case(
            "a new version took over", "ModelSilent", 0, at, [made(CALLS, CHURN, yesterday), made(CALLS, new, steady)]
        ),
        Case("gone", "ModelSilent", 1, at, [made(CALLS, CHURN, counter((60, 10)))]),
        Case("never any", "ModelSilent", 0, at, [made(CALLS, CHURN, counter((DAY + 60, 0)))]),
    ]
    run(tmp_path, [serving.group(LIMITS["serving"])], cases, every="5m")


def scores(before: dict[str, float], now: dict[str, float]) -> list[Made]:
    """Scores by bin, an hour each time, a week apart."""
    series = Series(metrics.ML_PREDICTION_SCORES)
    return [
        made(series, {**CHURN, names.ML_PREDICTION_SCORE_BIN: name}, counter(*parts))
        for name in before
        for parts in [((60, before[name]), (WEEK - 60, 0), (60, now[name]), (30, 0))]
    ]


def test_prediction_scores_shifted(tmp_path: Path) -> None:
    """Other shares of the bins than a week ago fire; the same shares, or few scores, don't."""
    low, high = {"0.1": 80.0, "0.5": 15, "0.9": 5}, {"0.1": 20.0, "0.5": 20, "0.9": 60}
    few = {name: count / 10 for name, count in high.items()}
    at = WEEK + 90
    cases = [
        Case("other", "PredictionScoresShifted", 1, at, scores(low, high)),
        Case(
            "the same at twice the traffic",
            "PredictionScoresShifted",
            0,
            at,
            scores(low, {k: 2 * v for k, v in low.items()}),
        ),
        Case("few", "PredictionScoresShifted", 0, at, scores(low, few)),
    ]
    run(tmp_path, [serving.group(LIMITS["serving"])], cases, every="15m")


def test_data_quality_fails(tmp_path: Path) -> None:
    """A check that fails one time in five fires; one in fifty doesn't; a single failed check of few doesn't."""
    series = Series(metrics.ML_DATA_QUALITY_CHECKS)
    check = {**CHURN, names.ML_DATA_QUALITY_CHECK_NAME: "range", names.ML_FEATURE_NAME: "tenure"}

    def checks(failed: float, passed: float) -> list[Made]:
        result = names.ML_DATA_QUALITY_CHECK_RESULT
        outcome = names.DataQualityCheckResult
        return [
            made(series, {**check, result: outcome.FAIL}, counter((70, failed))),
            made(series, {**check, result: outcome.PASS}, counter((70, passed))),
        ]

    cases = [
        Case("often", "DataQualityFails", 1, 69, checks(0.2, 0.8)),
        Case("seldom", "DataQualityFails", 0, 69, checks(0.02, 0.98)),
        Case("few", "DataQualityFails", 0, 69, checks(0.02, 0.02)),
    ]
    run(tmp_path, [quality.group(LIMITS["quality"])], cases)
