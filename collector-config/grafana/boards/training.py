"""Training: where the time goes, speed, loss and gradients, anomalies."""

from __future__ import annotations

from grafana.spec import WINDOW, Board, Panel, Query, Variable, legend, of_model, quantile
from otelml.rules.promql import Series, labels, rate
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric

MODEL = names.ML_MODEL_NAME
TIME = of_model(metrics.ML_TRAINING_TIME)
STEP = of_model(metrics.ML_TRAINING_STEP_DURATION)
RUNS = of_model(metrics.ML_TRAINING_RUNS)
LOSS = (MODEL, names.ML_DATASET_SPLIT, names.ML_TRAINING_LOSS_NAME)
RUN = (MODEL, names.ML_OPERATION_METHOD)
SCORE = (MODEL, names.ML_DATASET_SPLIT, names.ML_EVALUATION_NAME)
CHECKPOINT = (MODEL, names.ML_TRAINING_CHECKPOINT_OPERATION)
STATE = names.ML_TRAINING_ELASTIC_STATE
ELASTIC = (names.ML_TRAINING_ELASTIC_GROUP, names.ML_TRAINING_ELASTIC_NAME)
COMPILED = (MODEL, names.ML_COMPILE_PASS)
CAUSE = (MODEL, names.ML_COMPILE_RECOMPILE_CAUSE)
BREAK = (MODEL, names.ML_COMPILE_GRAPH_BREAK_REASON)
TASK = (MODEL, names.ML_TRAINING_TASK_TYPE, names.ML_TRAINING_TASK_NAME)


def _latest(series: Series, *keys: str) -> Query:
    return Query(f"max by ({labels(*keys)}) ({series})", legend(*keys))


def _total(series: Series, *keys: str) -> Query:
    return Query(f"sum by ({labels(*keys)}) ({series})", legend(*keys))


def _a_second(metric: Metric, name: str = "") -> Query:
    return Query(rate(of_model(metric), WINDOW, MODEL), f"{name} {legend(MODEL)}".strip())


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
                    (_a_second(metrics.ML_TRAINING_STEPS),),
                    "0 while a run goes on is a run that hangs.",
                    6,
                ),
                Panel(
                    "Samples a second",
                    "lines",
                    "short",
                    (_a_second(metrics.ML_TRAINING_SAMPLES),),
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
                    (_total(RUNS, *RUN),),
                    "Runs that ended, and calls that fit a model, since their processes started.",
                    6,
                ),
                Panel(
                    "Time in pipeline steps and candidates",
                    "bars",
                    "s",
                    (_total(of_model(metrics.ML_TRAINING_TASK_TIME), *TASK),),
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
                    (_total(of_model(metrics.ML_TRAINING_ANOMALIES), MODEL, names.ML_TRAINING_ANOMALY_TYPE),),
                    "A loss that is NaN has no point in the loss above: it is counted here.",
                ),
                Panel(
                    "Epochs",
                    "lines",
                    "none",
                    (_total(of_model(metrics.ML_TRAINING_EPOCHS), MODEL),),
                    "Epochs completed.",
                ),
            ),
        ),
        (
            "Evaluations and checkpoints",
            (
                Panel(
                    "Scores of evaluations",
                    "lines",
                    "none",
                    (_latest(of_model(metrics.ML_EVALUATION_SCORE), *SCORE),),
                    "The latest value of each metric that an evaluation has reported.",
                    8,
                ),
                Panel(
                    "Evaluations",
                    "bars",
                    "none",
                    (_total(of_model(metrics.ML_EVALUATION_RUNS), *RUN),),
                    "Evaluations since their processes started.",
                    8,
                ),
                Panel(
                    "Time in checkpoints",
                    "bars",
                    "s",
                    (_total(of_model(metrics.ML_TRAINING_CHECKPOINT_DURATION).sum, *CHECKPOINT),),
                    "What saving and loading has cost; the steps stand meanwhile.",
                    8,
                ),
            ),
        ),
        (
            "Efficiency",
            (
                Panel(
                    "Model FLOP a second",
                    "lines",
                    "flops",
                    (_a_second(metrics.ML_TRAINING_FLOPS),),
                    "What the model's own arithmetic comes to; recomputation is not counted.",
                    8,
                ),
                Panel(
                    "Share of the peak rate (MFU)",
                    "lines",
                    "percentunit",
                    (_latest(of_model(metrics.ML_TRAINING_MFU), MODEL),),
                    "Model FLOP a second against what the GPU can do; 0.3 to 0.5 is usual for large transformers.",
                    8,
                ),
                Panel(
                    "Tokens a second",
                    "lines",
                    "short",
                    (_a_second(metrics.ML_TRAINING_TOKENS),),
                    "For models of tokens: the throughput that can be compared between batch sizes.",
                    8,
                ),
                Panel(
                    "Epoch duration",
                    "lines",
                    "s",
                    (Query(quantile(0.5, of_model(metrics.ML_TRAINING_EPOCH_DURATION), MODEL), legend(MODEL)),),
                    "The median.",
                ),
                Panel(
                    "Micro-batches and skipped steps",
                    "lines",
                    "short",
                    (
                        _a_second(metrics.ML_TRAINING_MICROBATCHES, "micro-batches"),
                        _a_second(metrics.ML_TRAINING_SKIPPED_STEPS, "skipped"),
                    ),
                    "A second. A gradient scaler skips steps whose gradients overflow; many of them: lower its scale.",
                ),
            ),
        ),
        (
            "Elastic launcher (torchrun)",
            (
                Panel(
                    "Workers of a node by state",
                    "stacked",
                    "short",
                    (Query(rate(Series(metrics.ML_TRAINING_ELASTIC_CHECKS), WINDOW, STATE), legend(STATE)),),
                    "Checks a second, by what they found; another state than healthy precedes a restart.",
                    8,
                ),
                Panel(
                    "Calls of the launcher by outcome",
                    "bars",
                    "none",
                    (_total(Series(metrics.ML_TRAINING_ELASTIC_CALLS), *ELASTIC, names.ML_TRAINING_ELASTIC_OUTCOME),),
                    "Rendezvous, starts and restarts since the launcher began.",
                    8,
                ),
                Panel(
                    "Time in the launcher",
                    "bars",
                    "s",
                    (_total(Series(metrics.ML_TRAINING_ELASTIC_CALL_DURATION).sum, *ELASTIC),),
                    "A long rendezvous waits for nodes that have not come.",
                    8,
                ),
            ),
        ),
        (
            "Compilation",
            (
                Panel(
                    "Time in compilations",
                    "bars",
                    "s",
                    (_total(of_model(metrics.ML_COMPILE_DURATION).sum, *COMPILED),),
                    "Since the processes started; the calls that wait for one are as much slower.",
                    8,
                ),
                Panel(
                    "Recompilations by cause",
                    "bars",
                    "none",
                    (_total(of_model(metrics.ML_COMPILE_RECOMPILES), *CAUSE),),
                    "A number that grows with the steps: mark what changes as dynamic, or keep it from changing.",
                    8,
                ),
                Panel(
                    "Graph breaks by reason",
                    "bars",
                    "none",
                    (_total(of_model(metrics.ML_COMPILE_GRAPH_BREAKS), *BREAK),),
                    "Places at which the compiler left code to the interpreter.",
                    8,
                ),
            ),
        ),
    ),
)
