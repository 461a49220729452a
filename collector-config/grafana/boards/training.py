"""Training: where the time goes, speed, loss and gradients, anomalies."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, Variable, legend, of_model, quantile
from otelml.rules.promql import Series, labels, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics

MODEL = names.ML_MODEL_NAME
TIME = of_model(metrics.ML_TRAINING_TIME)
STEP = of_model(metrics.ML_TRAINING_STEP_DURATION)
RUNS = of_model(metrics.ML_TRAINING_RUNS)
LOSS = (MODEL, names.ML_DATASET_SPLIT, names.ML_TRAINING_LOSS_NAME)
TASK = (MODEL, names.ML_TRAINING_TASK_TYPE, names.ML_TRAINING_TASK_NAME)


def _latest(series: Series, *keys: str) -> Query:
    return Query(f"max by ({labels(*keys)}) ({series})", legend(*keys))


BOARD = Board(
    "otelml-training",
    "Training",
    "Whether a run makes progress, what it waits for, and whether it converges.",
    (
        Variable("model", "Model", Series(metrics.ML_TRAINING_TIME), MODEL),
        Variable("version", "Version", Series(metrics.ML_TRAINING_TIME), names.ML_MODEL_VERSION),
    ),
    (
        (
            "Time",
            (
                Panel(
                    "Time by phase",
                    "stacked",
                    "percentunit",
                    (
                        Query(
                            f"{rate(TIME, WINDOW, names.ML_TRAINING_PHASE)} / scalar({rate(TIME, WINDOW)})",
                            legend(names.ML_TRAINING_PHASE),
                        ),
                    ),
                    "Where the chosen models' time goes; much data_wait means that the input pipeline is too slow.",
                ),
                Panel(
                    "Steps a second",
                    "lines",
                    "short",
                    (Query(rate(of_model(metrics.ML_TRAINING_STEPS), WINDOW, MODEL), legend(MODEL)),),
                    "0 while a run goes on is a run that hangs.",
                    6,
                ),
                Panel(
                    "Samples a second",
                    "lines",
                    "short",
                    (Query(rate(of_model(metrics.ML_TRAINING_SAMPLES), WINDOW, MODEL), legend(MODEL)),),
                    "The throughput over all workers.",
                    6,
                ),
                Panel(
                    "Step duration",
                    "lines",
                    "s",
                    tuple(
                        Query(
                            quantile(it, STEP, MODEL),
                            f"p{it * 100:g} {legend(MODEL)}",
                        )
                        for it in (0.5, 0.95)
                    ),
                    "A 95th percentile far above the median: single steps wait, for data or for another worker.",
                ),
                Panel(
                    "Runs and fits",
                    "bars",
                    "none",
                    (
                        Query(
                            f"sum by ({labels(MODEL, names.ML_OPERATION_METHOD)}) ({RUNS})",
                            legend(MODEL, names.ML_OPERATION_METHOD),
                        ),
                    ),
                    "Runs that ended, and calls that fit a model, since their processes started.",
                    6,
                ),
                Panel(
                    "Time in pipeline steps and candidates",
                    "bars",
                    "s",
                    (
                        Query(
                            f"sum by ({labels(*TASK)}) ({of_model(metrics.ML_TRAINING_TASK_TIME)})",
                            legend(*TASK),
                        ),
                    ),
                    "What inside a fit took the time.",
                    6,
                ),
            ),
        ),
        (
            "Convergence",
            (
                Panel(
                    "Loss",
                    "lines",
                    "none",
                    (_latest(of_model(metrics.ML_TRAINING_LOSS), *LOSS),),
                    "Validation that rises while training falls is overfitting.",
                    8,
                ),
                Panel(
                    "Gradient norm",
                    "lines",
                    "none",
                    (_latest(of_model(metrics.ML_TRAINING_GRADIENT_NORM), MODEL),),
                    "Near 0, or growing without end, the run will not recover by itself.",
                    8,
                ),
                Panel(
                    "Learning rate",
                    "lines",
                    "none",
                    (_latest(of_model(metrics.ML_TRAINING_LEARNING_RATE), MODEL),),
                    "What the schedule does.",
                    8,
                ),
                Panel(
                    "Anomalies",
                    "bars",
                    "none",
                    (
                        Query(
                            f"sum by ({labels(MODEL, names.ML_TRAINING_ANOMALY_TYPE)})"
                            f" ({of_model(metrics.ML_TRAINING_ANOMALIES)})",
                            legend(MODEL, names.ML_TRAINING_ANOMALY_TYPE),
                        ),
                    ),
                    "A loss that is NaN has no point in the loss above: it is counted here.",
                ),
                Panel(
                    "Epochs",
                    "lines",
                    "none",
                    (Query(f"sum by ({labels(MODEL)}) ({of_model(metrics.ML_TRAINING_EPOCHS)})", legend(MODEL)),),
                    "Epochs completed.",
                ),
            ),
        ),
    ),
)
