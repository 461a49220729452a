"""The steps of one run: counted, added up in windows, and drawn for the recording of their durations."""

from __future__ import annotations

import math
import threading
from time import perf_counter_ns, thread_time_ns

from otelml.observations.training import StepTimes, TrainingStep
from otelml.semconv.attributes import DatasetSplit
from otelml.settings import Settings
from otelml.telemetry.budget import RecordingBudget
from otelml.telemetry.series import SLICE
from otelml.telemetry.training.log import OFF, StepLog
from otelml.telemetry.training.series import TrainingSeries
from otelml.telemetry.training.window import Mean, Window

_TRAIN_LOSS = (DatasetSplit.TRAIN, None)

_STEP_PART = 1 / 128
"""The part of the budget that goes to the durations of steps. Steps are long, and few durations tell as much."""

_SLICE_SECONDS = 1.0
"""Steps are put aside for no longer than this, so that what is told of them is recent, and windows end in time."""


class Steps:
    """The steps of one run. Nothing is emitted here, so that the lock is held by no code but this.

    Attributes:
        began: when the first step began, by `perf_counter_ns`; None before its end.
        count: of steps so far, but for those that are put aside.
        ended: when the last step ended, by `perf_counter_ns`.
        loss: the mean of the losses since the last epoch.
        turn: how many steps there are until one may have its duration recorded, or a window ends.
    """

    def __init__(self, series: TrainingSeries, settings: Settings) -> None:
        self.count = 0
        self.began: int | None = None
        self.ended = perf_counter_ns()
        self.loss = Mean()
        self.turn = self._slice = 1
        self._series = series
        budget = settings.overhead_budget
        self._budget = RecordingBudget(budget if budget >= 1 else budget * _STEP_PART)
        self._worked = 0
        self._window = Window(0, 0)
        self._window_steps = settings.training_window_steps
        self._window_ns = settings.training_window_seconds * 1_000_000_000
        self._lock = threading.RLock()  # a signal handler or a finaliser may train while its thread counts
        self._logs: list[StepLog] = []

    @property
    def mean(self) -> float:
        """The moving mean of the duration of a step, in seconds; 0 before the first."""
        return self._budget.mean

    def add(self, step: TrainingStep) -> None:
        """Count a step."""
        with self._lock:
            self.collect()
            self.ended = perf_counter_ns()
            if self.began is None:
                self.began = self.ended - sum(step.times)
            self._series.add_step(step)
            self.count += not step.skipped
            self._window.add(step)

    def add_times(self, times: StepTimes) -> None:
        """Count time that belongs to the step that was added last."""
        with self._lock:
            self.collect()
            with self._series.lock:
                self._series.add_times(times)
            self._window.add_times(times)

    def add_loss(self, value: float) -> None:
        """Take a finite value of the loss."""
        with self._lock:
            self._series.losses[_TRAIN_LOSS] = value
            self._window.loss.add(value)
            self.loss.add(value)

    def add_norm(self, value: float) -> None:
        """Take the norm of the gradients of a step."""
        if math.isfinite(value):
            self._series.gradient_norm = self._window.gradient_norm = value

    def log(self, log: StepLog) -> None:
        """Have steps put aside there, to be counted later."""
        with self._lock:
            self._logs.append(log)

    def unlog(self, log: StepLog) -> None:
        """Count what was put aside there for the last time."""
        with self._lock:
            self._count(log)
            if log in self._logs:
                self._logs.remove(log)

    def collect(self) -> None:
        """Count the steps that were put aside; threads other than that which trains may call this."""
        if self._logs:
            with self._lock:
                for log in self._logs:
                    self._count(log)

    def _count(self, log: StepLog) -> None:
        added = log.drained()
        if added is None:
            return
        self.ended = log.ended
        self._series.add_slice(added)
        self.count += added.steps
        self._window.add_slice(added)
        self._series.losses[_TRAIN_LOSS] = added.losses[-1]
        losses = sum(added.losses)
        self._window.loss.add(losses, added.steps)
        self.loss.add(losses, added.steps)

    def epoch_loss(self) -> float | None:
        """The mean of the losses since this was last asked; None where there was none."""
        with self._lock:
            loss, self.loss = self.loss, Mean()
        return loss.value

    def turns(self, steps: int) -> tuple[bool, Window | None]:
        """Take it that steps have been counted.

        Returns:
            Whether the duration of the last of them is recorded, and the window that ends with it.
        """
        with self._lock:
            self.turn -= steps
            if self.turn > 0 and self._window.steps < self._window_steps:
                return False, None
            window = self._window
            settled, spent = window.unsettled()
            if settled:
                self._budget.add(settled, spent * 1e-9)
            # Only for as much of the time as this thread had the processor may anything be spent on it.
            worked = thread_time_ns()
            if worked > self._worked > 0:
                self._budget.worked((worked - self._worked) * 1e-9, spent * 1e-9)
            self._worked = worked
            recorded, _ = self._budget.advance(self._slice)
            ends = window.steps >= self._window_steps or perf_counter_ns() - window.began >= self._window_ns
            ended = self._next_window() if ends else None
            until_window = self._window_steps - self._window.steps
            soon = int(_SLICE_SECONDS / self._budget.mean) if self._budget.mean > 0 else SLICE
            self.turn = self._slice = max(1, self._budget.unrecorded_calls(min(SLICE, until_window, soon)))
            return recorded, ended

    def recorded(self, seconds: float) -> None:
        """Take what recording a duration has cost."""
        self._budget.spent_on_duration(seconds)

    def end(self) -> Window | None:
        """Count everything, since the run ends; the last window, if there is anything in it."""
        with self._lock:
            for log in self._logs:
                log.at = OFF
                self._count(log)
            window = self._next_window()
        return window if window.steps else None

    def _next_window(self) -> Window:
        window, self._window = self._window, Window(self._window.index + 1, self.count)
        steps, spent = window.unsettled()
        if steps:
            self._budget.add(steps, spent * 1e-9)
        return window
