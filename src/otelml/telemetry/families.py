"""Which signals an operation has: one row per family of operations."""

from __future__ import annotations

from typing import NamedTuple

from otelml.semconv import attributes as names
from otelml.semconv import metrics, spans
from otelml.semconv.metrics import CounterMetric, HistogramMetric
from otelml.semconv.spans import SpanType


class Family(NamedTuple):
    """The signals of one kind of operation.

    `calls`, `time` and `samples` are exact; `duration` and root spans are recorded within the overhead budget. `rows`
    and `features` name the span's attributes for the size of the input.
    """

    span: SpanType
    rows: str
    calls: CounterMetric
    time: CounterMetric
    duration: HistogramMetric
    samples: CounterMetric | None = None
    features: str | None = None
    time_attributes: tuple[tuple[str, str], ...] = ()


INFERENCE = Family(
    spans.ML_INFERENCE_INTERNAL,
    names.ML_INFERENCE_BATCH_SIZE,
    metrics.ML_INFERENCE_CALLS,
    metrics.ML_INFERENCE_TIME,
    metrics.ML_INFERENCE_DURATION,
    metrics.ML_INFERENCE_SAMPLES,
    names.ML_INPUT_FEATURE_COUNT,
)
TRAINING = Family(
    spans.ML_TRAINING_INTERNAL,
    names.ML_DATASET_SAMPLE_COUNT,
    metrics.ML_TRAINING_RUNS,
    metrics.ML_TRAINING_TIME,
    metrics.ML_TRAINING_DURATION,
    features=names.ML_INPUT_FEATURE_COUNT,
    time_attributes=((names.ML_TRAINING_PHASE, names.TrainingPhase.FIT),),
)
EVALUATION = Family(
    spans.ML_EVALUATION_INTERNAL,
    names.ML_EVALUATION_SAMPLE_COUNT,
    metrics.ML_EVALUATION_RUNS,
    metrics.ML_EVALUATION_TIME,
    metrics.ML_EVALUATION_DURATION,
)

FAMILIES = {
    names.OperationName.PREDICT: INFERENCE,
    names.OperationName.TRANSFORM: INFERENCE,
    names.OperationName.FIT: TRAINING,
    names.OperationName.EVALUATE: EVALUATION,
}
