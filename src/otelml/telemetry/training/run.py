"""One run of training: its span, its windows and epochs, and its end."""

from __future__ import annotations

import math
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanContext
from opentelemetry.util.types import AttributeValue

from otelml._guard import guarded
from otelml.observations.training import RunDeclaration, StepTimes, TrainingStep, Validation
from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from otelml.telemetry.budget import RecordingBudget
from otelml.telemetry.series import Attributes
from otelml.telemetry.training.log import StepLog
from otelml.telemetry.training.series import TrainingSeries, evaluating, model_in
from otelml.telemetry.training.steps import Steps
from otelml.telemetry.training.window import Window

if TYPE_CHECKING:
    from otelml.telemetry.training.emission import TrainingTelemetry

_RUN = "train"
_WINDOW = "train_window"
_EPOCH = "train_epoch"
_EVALUATE = "evaluate"


class TrainingRun:
    """A run of one model. Its methods are called by one thread at a time, and none raises into the host.

    Attributes:
        declared: what was said about the run.
        ended: whether it is over.
        series: where it is counted.
        epoch: the index of the epoch that runs.
    """

    def __init__(self, telemetry: TrainingTelemetry, series: TrainingSeries, declared: RunDeclaration) -> None:
        self.declared = declared
        self.series = series
        self.epoch = 0
        self.ended = False
        self._telemetry = telemetry
        self._began = self._epoch_began = perf_counter_ns()
        self._span: SpanContext | None = None
        self._steps = Steps(series, telemetry.settings)
        self._epoch_budget = RecordingBudget(telemetry.settings.overhead_budget)
        self._evaluation_budget = RecordingBudget(telemetry.settings.overhead_budget)
        self._identity = {names.ML_TRAINING_RUN_ID: declared.id}

    @guarded
    def open(self, facts: Attributes) -> None:
        """Make the span of the run."""
        self._span = self._telemetry.span(_RUN, {**self.series.operating, **self._identity, **facts})

    @property
    def steps(self) -> int:
        """Training steps of the run so far."""
        self._steps.collect()
        return self._steps.count

    @property
    def turn(self) -> int:
        """How many steps there are until one may have its duration recorded, or a window ends."""
        return self._steps.turn

    @property
    def mean_step(self) -> float:
        """The moving mean of the duration of a step, in seconds; 0 before the first."""
        return self._steps.mean

    def add_step(self, step: TrainingStep) -> None:
        """Count a step, and record it and the window that it ends where it is their turn."""
        first = self._steps.began is None
        self._steps.add(step)
        if first and self._steps.began is not None:  # the run is noticed at the end of its first step
            self._began = self._epoch_began = self._steps.began
        if not step.skipped:
            self.stepped(1, sum(step.times))

    def add_to_step(self, times: StepTimes) -> None:
        """Count time that belongs to the step that was added last."""
        self._steps.add_times(times)

    def log(self) -> StepLog:
        """Where steps are put aside, to be counted later."""
        log = StepLog(self.declared)
        self._steps.log(log)
        return log

    def unlog(self, log: StepLog) -> None:
        """Count what was put aside there for the last time."""
        self._steps.unlog(log)

    def collect(self) -> None:
        """Count the steps that were put aside; threads other than that which trains may call this."""
        self._steps.collect()

    def stepped(self, steps: int, duration: int) -> None:
        """Take it that steps have been counted, and record the last of them and the window where it is their turn.

        Args:
            steps: how many.
            duration: of the last, in ns.
        """
        recorded, window = self._steps.turns(steps)
        if recorded:
            began = perf_counter_ns()
            self._telemetry.record(metrics.ML_TRAINING_STEP_DURATION, duration * 1e-9, self.series.operating)
            self._steps.recorded((perf_counter_ns() - began) * 1e-9)
        if window is not None:
            self._tell_window(window)

    def loss(self, value: float, split: str = names.DatasetSplit.TRAIN, name: str | None = None) -> None:
        """Take a value of the loss; one that is not finite is an anomaly, which whoever sees it reports."""
        if name is None and split == names.DatasetSplit.TRAIN:
            if value - value == 0:  # finite
                self._steps.add_loss(value)
        else:
            self.series.set_loss(value, split, name)

    def gradient_norm(self, value: float) -> None:
        """Take the norm of the gradients of a step."""
        self._steps.add_norm(value)

    @guarded
    def anomaly(self, type_: str, *, tell: bool, loss: float | None = None, norm: float | None = None) -> None:
        """Count an anomaly, a value of `ml.training.anomaly.type`; the first of several in a row is told by an event.

        Args:
            type_: what is wrong.
            tell: whether it is the first.
            loss: the value of the loss.
            norm: the norm of the gradients.
        """
        self.series.add_anomaly(type_)
        if tell:
            about: dict[str, AttributeValue] = {
                **self._about(),
                names.ML_TRAINING_ANOMALY_TYPE: type_,
                names.ML_TRAINING_STEP_INDEX: self.steps,
                names.ML_TRAINING_EPOCH_INDEX: self.epoch,
            }
            if loss is not None and math.isfinite(loss):
                about[names.ML_TRAINING_LOSS_VALUE] = loss
            if norm is not None and math.isfinite(norm):
                about[names.ML_TRAINING_GRADIENT_NORM_VALUE] = norm
            self._telemetry.event(events.ML_TRAINING_ANOMALY, about, self._span)

    @guarded
    def end_epoch(self) -> None:
        """Count an epoch; its duration, event and span are recorded within the budget."""
        self._steps.collect()
        now = perf_counter_ns()
        duration = now - self._epoch_began
        self._epoch_began = now
        with self.series.lock:
            self.series.epochs += 1
        self._epoch_budget.add(1, duration * 1e-9)
        recorded, told = self._epoch_budget.advance(1)
        loss = self._steps.epoch_loss()
        if recorded:
            self._telemetry.record(metrics.ML_TRAINING_EPOCH_DURATION, duration * 1e-9, self.series.operating)
        if told:
            began = perf_counter_ns()
            self._tell_epoch(duration, loss)
            self._epoch_budget.spent_on_span((perf_counter_ns() - began) * 1e-9)
        self.epoch += 1

    def _tell_epoch(self, duration: int, loss: float | None) -> None:
        told: dict[str, AttributeValue] = {names.ML_TRAINING_EPOCH_INDEX: self.epoch}
        if loss is not None:
            told[names.ML_TRAINING_LOSS_VALUE] = loss
        event = {**self._about(), **told, names.ML_DATASET_SPLIT: names.DatasetSplit.TRAIN}
        self._telemetry.event(events.ML_TRAINING_EPOCH_RESULT, event, self._span)
        ended = time_ns()
        attributes = {**self.series.operating, **self._identity, **told}
        self._telemetry.span(_EPOCH, attributes, link=self._span, began=ended - duration, ended=ended)

    @guarded
    def validated(self, validation: Validation) -> None:
        """Count a validation pass; its duration and span are recorded within the budget."""
        self.series.add_evaluation(validation.seconds)
        if validation.loss is not None:
            self.series.set_loss(validation.loss, validation.split, None)
        self._evaluation_budget.add(1, validation.seconds)
        recorded, told = self._evaluation_budget.advance(1)
        attributes = evaluating(self.series)
        if recorded:
            self._telemetry.record(metrics.ML_EVALUATION_DURATION, validation.seconds, attributes)
        if told:
            ended = time_ns()
            about: dict[str, AttributeValue] = {**attributes, names.ML_DATASET_SPLIT: validation.split}
            if validation.samples:
                about[names.ML_EVALUATION_SAMPLE_COUNT] = validation.samples
            began = ended - int(validation.seconds * 1e9)
            self._telemetry.span(_EVALUATE, about, link=self._span, began=began, ended=ended)

    @guarded
    def logged(self, name: str, value: float, split: str) -> None:
        """Take a score that the framework or the application has logged."""
        self.series.set_score(value, split, name)
        result: dict[str, AttributeValue] = {
            **model_in(self.series.attributes),
            names.ML_DATASET_SPLIT: split,
            names.ML_EVALUATION_NAME: name,
            names.ML_EVALUATION_SCORE_VALUE: value,
        }
        self._telemetry.event(events.ML_EVALUATION_RESULT, result, self._span)

    @guarded
    def checkpoint(
        self,
        operation: str,
        seconds: float | None,
        error_type: str | None = None,
        *,
        at: int | None = None,
        mode: str | None = None,
    ) -> None:
        """Take a checkpoint that was written or read, with its duration where it is known; on any thread.

        Args:
            operation: a value of `ml.training.checkpoint.operation`.
            seconds: how long it took.
            error_type: of the error that ended it.
            at: when it ended, in ns since the epoch; now by default.
            mode: a value of `ml.training.checkpoint.mode`, None where nothing tells.
        """
        done: dict[str, AttributeValue] = {names.ML_TRAINING_CHECKPOINT_OPERATION: operation}
        if mode is not None:
            done[names.ML_TRAINING_CHECKPOINT_MODE] = mode
        if error_type is not None:
            done[names.ERROR_TYPE] = error_type
        if seconds is not None:
            self._telemetry.record(metrics.ML_TRAINING_CHECKPOINT_DURATION, seconds, {**self.series.attributes, **done})
        where: dict[str, AttributeValue] = {
            names.ML_TRAINING_STEP_INDEX: self.steps,
            names.ML_TRAINING_EPOCH_INDEX: self.epoch,
        }
        self._telemetry.event(events.ML_TRAINING_CHECKPOINT, {**self._about(), **where, **done}, self._span, at)

    @guarded
    def failed(self, about: Attributes) -> None:
        """Tell of an exception in a step, given the attributes of its event."""
        self._telemetry.event(events.ML_OPERATION_EXCEPTION, {**self.series.operating, **about}, self._span)

    @guarded
    def end(self, error_type: str | None = None) -> None:
        """End the run: its last window, and its place among the runs.

        It has lasted until its last step, since what was not declared ends with the process or with its model.
        """
        if self.ended:
            return
        self.ended = True
        window = self._steps.end()
        if window is not None:
            self._tell_window(window)
        self.series.add_run(error_type)
        duration = (self._steps.ended - self._began) * 1e-9
        failed = {} if error_type is None else {names.ERROR_TYPE: error_type}
        self._telemetry.record(metrics.ML_TRAINING_DURATION, duration, {**self.series.operating, **failed})
        self._telemetry.forget(self)

    def _tell_window(self, window: Window) -> None:
        attributes = {**self.series.operating, **self._identity, **window.attributes()}
        self._telemetry.span(_WINDOW, attributes, link=self._span, began=window.began_at, ended=time_ns())

    def _about(self) -> dict[str, AttributeValue]:
        return {**model_in(self.series.attributes), **self._identity}
