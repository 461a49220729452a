"""Model serving: failing calls, models gone silent, and scores that shifted."""

from __future__ import annotations

from otelml.rules.limits import Limits
from otelml.rules.packs.distribution import shares, stability_index
from otelml.rules.promql import Series, increase, labels
from otelml.rules.rule import Alert, Group, Recording
from otelml.semconv import attributes as names
from otelml.semconv import metrics

MODEL = (names.ML_MODEL_NAME, names.ML_MODEL_VERSION)
SCORE_SHIFT = "otelml:prediction_scores:psi_week"
SCORES = "otelml:prediction_scores:increase6h"
SCORE_SHARE = "otelml:prediction_scores:share6h"
SCORES_BEFORE = "otelml:prediction_scores_week_ago:share6h"
SCORE_BIN = (names.ML_MODEL_NAME, names.ML_PREDICTION_SCORE_BIN)


def group(limits: Limits) -> Group:
    """Return the rules."""
    calls = Series(metrics.ML_INFERENCE_CALLS)
    failed = increase(calls.where(names.ERROR_TYPE, "!=", ""), "15m", *MODEL)
    every = increase(calls, "15m", *MODEL)
    name = labels(names.ML_MODEL_NAME)
    yesterday = increase(calls, "15m", names.ML_MODEL_NAME, offset="1d")
    model = "{{ $labels." + name + " }}"
    version = "{{ $labels." + labels(names.ML_MODEL_VERSION) + " }}"
    enough = f">= {limits['minimumScores']:g}"
    return Group(
        "serving",
        (
            Recording(SCORES, increase(Series(metrics.ML_PREDICTION_SCORES), "6h", *SCORE_BIN)),
            Recording(
                SCORES_BEFORE, f"{SCORES} offset 1w / on({name}) group_left sum by ({name}) ({SCORES} offset 1w)"
            ),
            shares(SCORE_SHARE, SCORES, SCORES_BEFORE, names.ML_PREDICTION_SCORE_BIN, names.ML_MODEL_NAME),
            stability_index(SCORE_SHIFT, SCORE_SHARE, SCORES_BEFORE, names.ML_MODEL_NAME),
            Alert(
                "ModelCallsFail",
                f"({failed} / ({every} >= {limits['minimumCalls']:g})) > {limits['errorRatio']:g}",
                "page",
                f"{{{{ $value | humanizePercentage }}}} of the calls of {model} {version} fail",
                "the panel Errors by type of the dashboard Model serving, then a span of a failed call",
                "model-calls-fail",
                "5m",
            ),
            Alert(
                "ModelSilent",
                f"({yesterday} >= {limits['minimumCalls']:g}) unless"
                f" ({increase(calls, '15m', names.ML_MODEL_NAME)} > 0)",
                "page",
                f"{model} had {{{{ $value | humanize }}}} calls in the same quarter of an hour yesterday, and none now",
                "whether the service gets requests; if it does, whether its telemetry arrives (dashboard Telemetry)",
                "model-silent",
                "5m",
            ),
            Alert(
                "PredictionScoresShifted",
                f"({SCORE_SHIFT} > {limits['scoreShift']:g}) and (sum by ({name}) ({SCORES}) {enough})"
                f" and (sum by ({name}) ({SCORES} offset 1w) {enough})",
                "ticket",
                f"the scores of {model} are distributed differently from a week ago (PSI {{{{ $value | humanize }}}})",
                "the panel Scores by bin of the dashboard Model serving, then the dashboard Drift, then deployments",
                "prediction-scores-shifted",
                "30m",
            ),
        ),
    )
