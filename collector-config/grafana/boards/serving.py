"""Model serving: calls, errors, durations, batches, predicted classes and scores."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, legend, model_variables, of_model, quantile
from otelml.rules.packs import serving
from otelml.rules.promql import labels, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric

MODEL = (names.ML_MODEL_NAME, names.ML_MODEL_VERSION)
CALLS = of_model(metrics.ML_INFERENCE_CALLS)
FAILED = CALLS.where(names.ERROR_TYPE, "!=", "")
DURATION = of_model(metrics.ML_INFERENCE_DURATION)
PREDICTIONS = of_model(metrics.ML_INFERENCE_PREDICTIONS)
TIME = of_model(metrics.ML_INFERENCE_TIME)
ROWS = of_model(metrics.ML_INFERENCE_SAMPLES)
SCORES = of_model(metrics.ML_PREDICTION_SCORES)


def _mean(metric: Metric, name: str) -> Query:
    return Query(f"avg by ({labels(*MODEL)}) ({of_model(metric)})", f"{name} {legend(*MODEL)}")


BOARD = Board(
    "otelml-serving",
    "Model serving",
    "What models are asked, how long they take, and what they answer.",
    model_variables(metrics.ML_INFERENCE_CALLS),
    (
        (
            "Calls",
            (
                Panel(
                    "Calls by version",
                    "stacked",
                    "reqps",
                    (Query(rate(CALLS, WINDOW, *MODEL), legend(*MODEL)),),
                    "Calls a second; every call is counted.",
                    8,
                ),
                Panel(
                    "Calls by method",
                    "stacked",
                    "reqps",
                    (
                        Query(
                            rate(CALLS, WINDOW, names.ML_MODEL_NAME, names.ML_OPERATION_METHOD),
                            legend(names.ML_MODEL_NAME, names.ML_OPERATION_METHOD),
                        ),
                    ),
                    "Which methods of the models are called.",
                    8,
                ),
                Panel(
                    "Errors by type",
                    "stacked",
                    "reqps",
                    (Query(rate(FAILED, WINDOW, *MODEL, names.ERROR_TYPE), legend(*MODEL, names.ERROR_TYPE)),),
                    "Calls a second that ended in an exception, by its type.",
                    8,
                ),
            ),
        ),
        (
            "Duration",
            (
                Panel(
                    "Percentiles",
                    "lines",
                    "s",
                    tuple(
                        Query(quantile(share, DURATION, *MODEL), f"p{share * 100:g} {legend(*MODEL)}")
                        for share in (0.5, 0.95, 0.99)
                    ),
                    "Of the calls whose duration is recorded, an unbiased share; the mean beside it is of all calls.",
                ),
                Panel(
                    "Mean",
                    "lines",
                    "s",
                    (
                        Query(
                            f"{rate(TIME, WINDOW, *MODEL)} / {rate(CALLS, WINDOW, *MODEL)}",
                            legend(*MODEL),
                        ),
                    ),
                    "Time spent divided by calls, exact.",
                ),
                Panel(
                    "Rows a second",
                    "lines",
                    "short",
                    (Query(rate(ROWS, WINDOW, *MODEL), legend(*MODEL)),),
                    "Samples that the models received.",
                ),
                Panel(
                    "Rows a call",
                    "lines",
                    "short",
                    (
                        Query(
                            f"{rate(ROWS, WINDOW, *MODEL)} / {rate(CALLS, WINDOW, *MODEL)}",
                            legend(*MODEL),
                        ),
                    ),
                    "The mean batch; calls of one row cost far more for each row.",
                ),
            ),
        ),
        (
            "Answers",
            (
                Panel(
                    "Predicted classes",
                    "lines",
                    "percentunit",
                    (
                        Query(
                            f"{rate(PREDICTIONS, WINDOW, names.ML_MODEL_NAME, names.ML_PREDICTION_CLASS)}"
                            f" / on({labels(names.ML_MODEL_NAME)}) group_left() "
                            f"{rate(PREDICTIONS, WINDOW, names.ML_MODEL_NAME)}",
                            legend(names.ML_MODEL_NAME, names.ML_PREDICTION_CLASS),
                        ),
                    ),
                    "Shares of the predicted classes: a step is a change of the inputs, or of the model.",
                ),
                Panel(
                    "Scores by bin",
                    "stacked",
                    "short",
                    (
                        Query(
                            rate(SCORES, WINDOW, names.ML_MODEL_NAME, names.ML_PREDICTION_SCORE_BIN),
                            legend(names.ML_MODEL_NAME, names.ML_PREDICTION_SCORE_BIN),
                        ),
                    ),
                    "Predictions a second by bin of their score, named by its upper bound.",
                ),
                Panel(
                    "Sureness",
                    "lines",
                    "percentunit",
                    (
                        _mean(metrics.ML_PREDICTION_CONFIDENCE, "confidence"),
                        _mean(metrics.ML_PREDICTION_NEAR_THRESHOLD_RATIO, "near the threshold"),
                    ),
                    "Mean probability of the predicted class, and the share of predictions that could as well be the"
                    " other one; mean over the replicas.",
                ),
                Panel(
                    "Entropy of the predictions",
                    "lines",
                    "percentunit",
                    (_mean(metrics.ML_PREDICTION_ENTROPY, "entropy"),),
                    "Share of the largest possible: at 1 the model can't tell the classes apart, at 0 it has no doubt.",
                ),
                Panel(
                    "Scores against a week ago",
                    "lines",
                    "none",
                    (
                        Query(
                            f'{serving.SCORE_SHIFT}{{{labels(names.ML_MODEL_NAME)}=~"$model"}}',
                            legend(names.ML_MODEL_NAME),
                        ),
                    ),
                    "Population stability index of six hours of scores; above 0.2 they are of another kind.",
                    24,
                ),
            ),
        ),
    ),
)
