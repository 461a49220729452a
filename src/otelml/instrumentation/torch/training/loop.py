"""One thread's training loop: what it spends its time on, told by the calls that it makes.

Between two calls that are seen the loop is in one phase; each call ends the phase before it. What a data loader and the
pauses around it belong to, training or validation, is known with the next forward only, so they wait until then.
"""

from __future__ import annotations

import weakref
from typing import Any

from otelml.instrumentation.torch.training.device import DeviceSteps
from otelml.instrumentation.torch.training.scalars import Scalars
from otelml.instrumentation.torch.training.validation import ValidationPass
from otelml.instrumentation.torch.training.values import StepValues
from otelml.observations.training import StepTimes
from otelml.telemetry.training import TrainingRun

DATA_WAIT, FORWARD, BACKWARD, OPTIMIZER, OTHER = range(5)
"""The phases, in the order of `StepTimes`."""

_LOADED, _IDLE, _VALIDATING, _VALIDATED = range(5, 9)
"""A batch was loaded and not used yet; after an update; inside a forward of a validation pass, and after one."""

_PAUSE = 60_000_000_000
"""A pause of this many ns after the end of an epoch is not part of the run, as in a notebook."""


class Loop:
    """The loop of one thread.

    Attributes:
        ahead: batches that were loaded before the first of an epoch was used, but that one.
        batches: loaded since the last update.
        batch_rows: samples of the batches loaded since the last update.
        clips: whether the application clips the gradients by a norm that can be read.
        closure: whether the optimizer at work was given a closure.
        device: takes the time on a GPU.
        depth: of calls of the optimizer's `step` inside one another.
        epoch_due: after how many updates an epoch ends whose loader has no more batches.
        first_batch: whether a loader's first batch was loaded since the last update.
        forwards: of modules that are trained, since the last update.
        given_rows: samples that modules were called with since the last update.
        impatience: that was in vain.
        in_step: whether the optimizer is at work; with a closure it calls the model itself.
        microbatches: backward passes since the last update.
        loader: refers to the data loader's iterator that was asked last.
        mixed: whether batches of several loaders were loaded since the last update.
        module: refers to the module of the last of those forwards.
        patience: steps that are to be followed closely, whatever they look like.
        run: the run of the last update.
        scalars: reads losses and norms.
        scaled: whether the gradients are scaled.
        scaled_loss: id of the scaled loss, and the loss.
        sources: loaders whose batches were trained on in this epoch, by id.
        stepped: optimizers that have updated since the last other event, by id, and the runs of their steps.
        tokens: that modules were called with since the last update.
        updates: of all optimizers so far.
        updating: id of the optimizer at work.
        validation: the pass that runs.
        values: losses and norms of the step.
    """

    def __init__(self) -> None:
        self.phase = _IDLE
        self.last = 0
        self.times = [0] * 5
        self.scalars = Scalars()
        self.run: TrainingRun | None = None
        self.in_step = False
        self.closure = False
        self.updating = self.depth = 0
        self.scaled = False
        self.scaled_loss: tuple[int, Any] | None = None
        self.stepped: dict[int, TrainingRun] = {}
        self.runs: dict[TrainingRun, None] = {}
        self.sources: set[int] = set()
        self.epoch_due = 0
        self.ahead = 0
        self.device: DeviceSteps | None = None
        self.updates = 0
        self.epoch_ended = False
        self.validation: ValidationPass | None = None
        self.norm_at = 0
        self.module: weakref.ref[Any] | None = None
        self.loader: weakref.ref[Any] | None = None
        self.patience = self.impatience = 0
        self.clear()
        self._load(0)

    def clear(self) -> None:
        """Start the next step."""
        self.times = [0] * 5
        self.values = StepValues()
        self.microbatches = self.forwards = self.batches = 0
        self.given_rows = self.tokens = self.batch_rows = 0
        self.first_batch = self.clips = self.mixed = False

    def _load(self, waited: int) -> None:
        self.waiting = waited
        self.loading: dict[int, int] = {}
        self.loads_first = False

    def waits(self, now: int) -> None:
        """A data loader is asked for a batch."""
        gap, self.last = now - self.last, now
        phase, self.phase = self.phase, DATA_WAIT
        if phase == _VALIDATED and self.validation is not None:
            self.validation.spent += gap
        elif phase == _LOADED:
            # Before the first step this may be a loop that predicts, of which nothing is told.
            self.waiting = self.waiting + gap if self.run is not None else 0
        elif phase == _IDLE or phase == _VALIDATED:
            if self.run is not None and not (self.epoch_ended and gap > _PAUSE):
                self.times[OTHER] += gap
        elif phase < _LOADED:
            self.times[phase] += gap
        self.stepped.clear()

    def loads(self, now: int, source: int, rows: int, *, first: bool) -> None:
        """A data loader gives a batch."""
        self.waiting += now - self.last
        self.last = now
        self.phase = _LOADED
        self.batches += 1
        if not self.sources:
            self.ahead = self.ahead + 1 if source in self.loading else 0
        self.loading[source] = rows
        self.loads_first = self.loads_first or first

    def exhausts(self, now: int, source: int) -> tuple[TrainingRun, ...]:
        """A data loader has no more batches; returns the runs whose pass over the data has ended by that."""
        waited, self.last = now - self.last, now
        validation = self.validation
        if validation is not None and source in validation.sources:
            validation.spent += waited + self.waiting
            self._load(0)
            self.phase = _IDLE
            self.validation = None  # before anything that may fail: what is called next would count as a part of it
            validation.end()
            return ()
        ends = source in self.sources
        self.sources.discard(source)
        if self.loading.keys() - {source}:  # a second loader, which is started again within the pass over the first
            self.waiting += waited
            self.phase = _LOADED
            return ()
        self._load(0)  # what was loaded and not used, as by a loop that only predicts
        self.phase = _IDLE
        if self.run is not None:
            self.times[DATA_WAIT if ends else OTHER] += waited
        if ends and self.ahead:
            self.epoch_due = self.ahead
            return ()
        return self._end_epoch() if ends else ()

    def epochs_due(self) -> tuple[TrainingRun, ...]:
        """The runs whose pass over the data has ended with this update, having been loaded ahead."""
        if not self.epoch_due:
            return ()
        self.epoch_due -= 1
        return () if self.epoch_due else self._end_epoch()

    def overdue(self) -> tuple[TrainingRun, ...]:
        """The runs whose pass over the data has ended, since the next begins."""
        return self._end_epoch() if self.epoch_due else ()

    def _end_epoch(self) -> tuple[TrainingRun, ...]:
        runs = tuple(self.runs)
        self.runs.clear()
        self.sources.clear()
        self.epoch_due = self.ahead = 0
        self.epoch_ended = True
        return runs

    def trains(self, now: int, phase: int, *, functional: int = OTHER) -> None:
        """Something that belongs to training begins.

        Args:
            now: by `perf_counter_ns`, as in all methods here.
            phase: what begins.
            functional: what the time since the last event was spent on if no module was seen in it.
        """
        gap, self.last = now - self.last, now
        before, self.phase = self.phase, phase
        if (validation := self.validation) is not None:
            self.validation = None
            validation.end()
        times = self.times
        if before == _LOADED:
            times[DATA_WAIT] += self.waiting
            self.batch_rows += sum(self.loading.values())
            self.mixed = self.mixed or len(self.loading) > 1
            self.first_batch = self.first_batch or self.loads_first
            self.sources.update(self.loading)
            self._load(0)
            times[functional] += gap
        elif before == _IDLE:
            if self.run is not None:
                times[functional] += gap
        elif before >= _VALIDATING:
            times[OTHER] += gap
        else:
            times[before] += gap
        self.epoch_ended = False
        if phase != OPTIMIZER:
            self.stepped.clear()

    def update_begins(self, now: int, optimizer: int) -> None:
        """An optimizer begins to update, with no closure."""
        self.trains(now, OPTIMIZER)
        self.in_step, self.updating, self.depth = True, optimizer, 0
        self.closure = False

    def gives_up_update(self) -> None:
        """Take it that an update has raised, of which nothing tells, when what can't be inside one begins."""
        if self.in_step and not self.closure:
            self.in_step = False
            self.depth = 0

    def enters(self, now: int, phase: int) -> None:
        """Inside a step, the next phase begins."""
        before = self.phase
        if before < _LOADED:
            self.times[before] += now - self.last
        self.last = now
        self.phase = phase

    def validates(self, now: int, run: TrainingRun, rows: int) -> None:
        """A model in training is called without being trained."""
        gap, self.last = now - self.last, now
        validation = self.validation
        before, self.phase = self.phase, _VALIDATING
        if validation is None:
            validation = self.validation = ValidationPass(run)
            if before == _LOADED:
                validation.spent += gap + self.waiting
            elif self.run is not None and before <= _IDLE:
                self.times[OTHER if before == _IDLE else before] += gap
        else:
            validation.spent += gap + self.waiting
        validation.sources.update(self.loading)
        validation.samples += sum(self.loading.values()) or rows
        self.sources.difference_update(self.loading)
        self._load(0)

    def validated(self, now: int) -> None:
        """The model has returned."""
        if self.validation is not None:
            self.validation.spent += now - self.last
            self.phase = _VALIDATED
        self.last = now

    def updated(self, now: int, optimizer: int, run: TrainingRun) -> bool:
        """An optimizer has updated; whether that ends a step, not only completes the one that has just ended."""
        self.enters(now, _IDLE)
        self.in_step = False
        self.updates += 1
        completes = optimizer not in self.stepped and run in self.stepped.values()
        self.stepped[optimizer] = run
        return not completes

    def samples(self) -> int:
        """The samples of the step that ends: as the loader gave them, since a model may have them in any dimension.

        What was loaded ahead is of a later step, and of several loaders one may be of another loop; then the model
        tells.
        """
        if (self.ahead or self.mixed) and self.given_rows:
            return self.given_rows
        return self.batch_rows or self.given_rows

    def is_plain(self) -> bool:
        """Whether the step that ends was one batch at most, one forward pass, one backward pass and one update."""
        unusual = self.closure or self.scaled or self.clips or self.mixed or self.loading or self.device is not None
        alone = self.microbatches == self.forwards == len(self.stepped) == 1 and self.batches <= 1
        return alone and not (unusual or self.ahead or self.epoch_due or self.validation is not None)

    def spent(self) -> StepTimes:
        """The time of the step that ends."""
        return StepTimes(*self.times)
