"""The exact counts of training loops, and the asynchronous instruments that read them."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otelml._guard import guarded
from otelml.observations.training import StepTimes, TrainingStep
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric
from otelml.telemetry.labels import OTHER, Distinct
from otelml.telemetry.series import Attributes
from otelml.telemetry.training.log import Slice

PHASES = (
    names.TrainingPhase.DATA_WAIT,
    names.TrainingPhase.FORWARD,
    names.TrainingPhase.BACKWARD,
    names.TrainingPhase.OPTIMIZER,
    names.TrainingPhase.OTHER,
)
"""The phases, in the order of `StepTimes`."""

_MAX_ERROR_TYPES = 20
_MAX_NAMES = 100


class TrainingSeries:
    """The counts of all training runs of one model.

    Attributes:
        attributes: of every metric point: the library and the model.
        operating: the same with the operation.
        steps: training steps that updated the parameters.
    """

    __slots__ = (
        "_names",
        "anomalies",
        "attributes",
        "epochs",
        "evaluations",
        "gradient_norm",
        "learning_rate",
        "lock",
        "losses",
        "microbatches",
        "operating",
        "runs",
        "samples",
        "scores",
        "skipped",
        "steps",
        "times",
        "tokens",
    )

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes
        self.operating: Attributes = {names.ML_OPERATION_NAME: names.OperationName.TRAIN, **attributes}
        self.reset()

    def reset(self) -> None:
        """Start from nothing, as a forked child does; the lock may have been held by a thread that the child lacks."""
        self.lock = threading.RLock()  # a signal handler or a finaliser may train while its thread counts
        self.steps = self.skipped = self.microbatches = self.samples = self.tokens = self.epochs = 0
        self.times = [0] * len(PHASES)
        self.anomalies: dict[str, int] = {}
        self.runs: dict[str | None, int] = {}
        self.evaluations: tuple[int, float] = (0, 0.0)
        self.losses: dict[tuple[str, str | None], float] = {}
        self.scores: dict[tuple[str, str], float] = {}
        self.gradient_norm: float | None = None
        self.learning_rate: float | None = None
        self._names = Distinct(_MAX_NAMES)

    def add_step(self, step: TrainingStep) -> None:
        """Count one step."""
        with self.lock:
            if step.skipped:
                self.skipped += 1
            else:
                self.steps += 1
            self.samples += step.samples
            self.tokens += step.tokens
            self.microbatches += step.microbatches
            times, spent = self.times, step.times
            times[0] += spent[0]
            times[1] += spent[1]
            times[2] += spent[2]
            times[3] += spent[3]
            times[4] += spent[4]
            if step.learning_rate is not None:
                self.learning_rate = step.learning_rate

    def add_slice(self, added: Slice) -> None:
        """Count steps that were put aside."""
        with self.lock:
            self.steps += added.steps
            self.microbatches += added.steps
            self.samples += added.samples
            self.tokens += added.tokens
            self.add_times(added.times)
            if added.learning_rate is not None:
                self.learning_rate = added.learning_rate

    def add_times(self, spent: StepTimes) -> None:
        """Count time by phase that belongs to the step that was counted last."""
        times = self.times
        for phase, duration in enumerate(spent):
            times[phase] += duration

    def add_run(self, error_type: str | None) -> None:
        """Count a run that has ended, with the type of the error that ended it."""
        with self.lock:
            if error_type not in self.runs and len(self.runs) > _MAX_ERROR_TYPES:
                error_type = OTHER
            self.runs[error_type] = self.runs.get(error_type, 0) + 1

    def add_anomaly(self, type_: str) -> None:
        """Count an anomaly, by the value of `ml.training.anomaly.type`."""
        with self.lock:
            self.anomalies[type_] = self.anomalies.get(type_, 0) + 1

    def add_evaluation(self, seconds: float) -> None:
        """Count a validation pass."""
        with self.lock:
            runs, time = self.evaluations
            self.evaluations = (runs + 1, time + seconds)

    def set_loss(self, value: float, split: str, name: str | None) -> None:
        """Take the latest value of a loss; one that is not finite cannot be a measurement."""
        if math.isfinite(value):
            with self.lock:
                self.losses[split, self._bounded(name)] = value

    def set_score(self, value: float, split: str, name: str) -> None:
        """Take the latest value of a score that the framework or the application has logged."""
        if math.isfinite(value):
            with self.lock:
                self.scores[split, self._bounded(name) or OTHER] = value

    def _bounded(self, name: str | None) -> str | None:
        return name if name is None or self._names.admits(name) else OTHER


_Read = Callable[[TrainingSeries], Iterable[Observation]]


def register(meter: Meter, all_series: Callable[[], list[TrainingSeries]]) -> None:
    """Create the asynchronous instruments that read the counts of training loops."""

    def observe(metric: Metric, read: _Read) -> None:
        @guarded
        def callback(_options: CallbackOptions) -> list[Observation]:
            return [observation for series in all_series() for observation in read(series)]

        metric.observe(meter, [lambda options: callback(options) or []])

    for metric, attribute in (
        (metrics.ML_TRAINING_STEPS, "steps"),
        (metrics.ML_TRAINING_SKIPPED_STEPS, "skipped"),
        (metrics.ML_TRAINING_MICROBATCHES, "microbatches"),
        (metrics.ML_TRAINING_SAMPLES, "samples"),
        (metrics.ML_TRAINING_TOKENS, "tokens"),
        (metrics.ML_TRAINING_EPOCHS, "epochs"),
    ):
        observe(metric, _count(attribute))
    for gauge, attribute in (
        (metrics.ML_TRAINING_GRADIENT_NORM, "gradient_norm"),
        (metrics.ML_TRAINING_LEARNING_RATE, "learning_rate"),
    ):
        observe(gauge, _value(attribute))
    observe(metrics.ML_TRAINING_TIME, _time)
    observe(metrics.ML_TRAINING_RUNS, _runs)
    observe(metrics.ML_TRAINING_ANOMALIES, _anomalies)
    observe(metrics.ML_TRAINING_LOSS, _losses)
    observe(metrics.ML_EVALUATION_RUNS, _evaluations)
    observe(metrics.ML_EVALUATION_TIME, _evaluation_time)
    observe(metrics.ML_EVALUATION_SCORE, _scores)


def _count(attribute: str) -> _Read:
    def read(series: TrainingSeries) -> Iterator[Observation]:
        count = getattr(series, attribute)
        if count:
            yield Observation(count, series.attributes)

    return read


def _value(attribute: str) -> _Read:
    def read(series: TrainingSeries) -> Iterator[Observation]:
        value = getattr(series, attribute)
        if value is not None:
            yield Observation(value, series.attributes)

    return read


def _time(series: TrainingSeries) -> Iterator[Observation]:
    for phase, spent in zip(PHASES, list(series.times), strict=True):
        if spent:
            yield Observation(spent * 1e-9, {**series.operating, names.ML_TRAINING_PHASE: phase})


def _runs(series: TrainingSeries) -> Iterator[Observation]:
    for error_type, count in dict(series.runs).items():
        failed = {} if error_type is None else {names.ERROR_TYPE: error_type}
        yield Observation(count, {**series.operating, **failed})


def _anomalies(series: TrainingSeries) -> Iterator[Observation]:
    for type_, count in dict(series.anomalies).items():
        yield Observation(count, {**series.attributes, names.ML_TRAINING_ANOMALY_TYPE: type_})


def _losses(series: TrainingSeries) -> Iterator[Observation]:
    for (split, name), value in dict(series.losses).items():
        named = {} if name is None else {names.ML_TRAINING_LOSS_NAME: name}
        yield Observation(value, {**series.attributes, names.ML_DATASET_SPLIT: split, **named})


def evaluating(series: TrainingSeries) -> Attributes:
    """The attributes of the series' validation passes."""
    return {**series.operating, names.ML_OPERATION_NAME: names.OperationName.EVALUATE}


def _evaluations(series: TrainingSeries) -> Iterator[Observation]:
    if series.evaluations[0]:
        yield Observation(series.evaluations[0], evaluating(series))


def _evaluation_time(series: TrainingSeries) -> Iterator[Observation]:
    if series.evaluations[0]:
        yield Observation(series.evaluations[1], evaluating(series))


def model_in(attributes: Mapping[str, object]) -> dict[str, str]:
    """The attributes of the model among others."""
    wanted = (names.ML_MODEL_NAME, names.ML_MODEL_VERSION)
    return {name: str(attributes[name]) for name in wanted if name in attributes}


def _scores(series: TrainingSeries) -> Iterator[Observation]:
    model = model_in(series.attributes)
    for (split, name), value in dict(series.scores).items():
        yield Observation(value, {**model, names.ML_DATASET_SPLIT: split, names.ML_EVALUATION_NAME: name})
