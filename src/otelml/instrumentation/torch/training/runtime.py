"""What the hooks do: each tells the thread's loop what begins and ends, and an update ends a step."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import Any

import torch
from torch import Tensor

from otelml._guard import guarded
from otelml.instrumentation.torch.training import gradients, sizes, threads
from otelml.instrumentation.torch.training.anomalies import STALLED, Watch
from otelml.instrumentation.torch.training.checkpoints import Checkpoints
from otelml.instrumentation.torch.training.device import DeviceSteps
from otelml.instrumentation.torch.training.loop import BACKWARD, FORWARD, OPTIMIZER, OTHER, Loop
from otelml.instrumentation.torch.training.norms import Norms
from otelml.instrumentation.torch.training.owners import Owners, Trained
from otelml.observations.training import TrainingStep
from otelml.semconv import attributes as names
from otelml.settings import Settings
from otelml.telemetry.errors import error_type
from otelml.telemetry.training import TrainingRun, TrainingTelemetry

loops: dict[int, Trained | None] = {}
"""The modules that have been called for training, by id; empty as long as nothing was trained."""

_CLAIMED = object()
"""A call inside training of which nothing more is to be known."""

_inside_backward = torch._C._current_graph_task_id


class _Validating:
    """A call in a validation pass: the loop, and whether what it returns is the loss."""

    __slots__ = ("is_loss", "loop")

    def __init__(self, loop: Loop, *, is_loss: bool) -> None:
        self.loop = loop
        self.is_loss = is_loss


class Training:
    """The state of the hooks: where they report to, and the modules and optimizers they know.

    Attributes:
        checkpoints: what was saved and loaded.
        counts: counts the operations of a module, where that is wanted.
        telemetry: where runs are reported.
    """

    def __init__(self, telemetry: TrainingTelemetry, settings: Settings) -> None:
        loops.clear()
        self.telemetry = telemetry
        self._owners = Owners(telemetry, loops)
        self._norms = Norms(settings.training_gradient_norm_every, settings.overhead_budget)
        self.checkpoints = Checkpoints()
        self.counts: Callable[[Trained, Any, Sequence[Any], Mapping[str, Any]], object] = lambda *_call: None
        telemetry.before_end = self.flush

    @guarded
    def forward_began(self, module: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> object | None:
        """An outermost module is called; what is returned goes to `forward_ended`, None where it is inference."""
        if _inside_backward() != -1:
            return _CLAIMED  # activation checkpointing computes the forward again
        state = threads.current()
        if torch.is_grad_enabled() and module.training:
            self._trains(state, module, args, kwargs)
            return _CLAIMED
        if not loops:
            return None
        trained = self._owners.in_training(module)
        if trained is not None and trained.run is not None:
            state.validates(perf_counter_ns(), trained.run, sizes.given_rows(module, args, kwargs))
            return _Validating(state, is_loss=False)
        if state.validation is not None and not any(True for _ in module.parameters()):
            return _Validating(state, is_loss=True)
        return None

    def _trains(self, state: Loop, module: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        state.gives_up_update()
        trained = self._owners.trained(module)
        state.trains(perf_counter_ns(), FORWARD)
        if trained is None or (state.in_step and state.microbatches):
            return  # a closure is called several times for one batch
        state.forwards += 1
        state.module = weakref.ref(module)
        state.given_rows += sizes.given_rows(module, args, kwargs)
        self.counts(trained, module, args, kwargs)
        if trained.tokens is not None:
            state.tokens += sizes.given_tokens(*trained.tokens, args, kwargs)
        if trained.on_cuda:
            state.device = state.device or DeviceSteps()
            state.device.marks(FORWARD)

    @guarded
    def forward_ended(self, claimed: object, result: object) -> None:
        """The outermost call has returned, or raised, with no result then."""
        if isinstance(claimed, _Validating):
            if not claimed.is_loss:
                claimed.loop.validated(perf_counter_ns())
            elif isinstance(result, Tensor) and claimed.loop.validation is not None:
                claimed.loop.scalars.read(result, claimed.loop.validation.take_loss)

    @guarded
    def waits(self) -> None:
        """A data loader is asked for a batch."""
        state = threads.current()
        state.gives_up_update()
        state.waits(perf_counter_ns())

    @guarded
    def loads(self, loader: Any, batch: object) -> None:
        """A data loader gives a batch."""
        # `_num_yielded` counts this batch already.
        first = getattr(loader, "_num_yielded", 0) <= 1
        state = threads.current()
        if first:
            for run in state.overdue():
                _end_epoch(run)
        state.loader = weakref.ref(loader)
        state.loads(perf_counter_ns(), id(loader), sizes.rows(batch), first=first)

    @guarded
    def exhausts(self, loader: Any) -> None:
        """A data loader has no more batches."""
        state = threads.current()
        for run in state.exhausts(perf_counter_ns(), id(loader)):
            _end_epoch(run)

    @guarded
    def backward_begins(self, tensors: object) -> Loop | None:
        """A backward pass begins; what is returned goes to `backward_ended`, None for one inside another."""
        if _inside_backward() != -1:
            return None
        state = threads.current()
        state.gives_up_update()
        state.trains(perf_counter_ns(), BACKWARD, functional=FORWARD)
        if state.device is not None:
            state.device.marks(BACKWARD)
        state.microbatches += 1
        self._read_loss(state, tensors)
        return state

    def _read_loss(self, state: Loop, tensors: object) -> None:
        loss = tensors[0] if isinstance(tensors, (tuple, list)) and len(tensors) == 1 else tensors
        scaled, state.scaled_loss = state.scaled_loss, None
        state.scaled = scaled is not None and scaled[0] == id(loss)
        if scaled is not None and state.scaled:
            loss = scaled[1]
        state.values.scaling = state.scaled
        state.scalars.poll()
        state.scalars.read(loss, state.values.loss)

    @guarded
    def backward_ended(self, state: Loop) -> None:
        """A backward pass has returned."""
        state.enters(perf_counter_ns(), OPTIMIZER if state.in_step else OTHER)
        if state.device is not None:
            state.device.marks(OTHER)

    @guarded
    def failed(self, state: Loop, error: BaseException) -> None:
        """A backward pass or an update has raised."""
        state.enters(perf_counter_ns(), OTHER)
        state.in_step = False
        if state.run is not None and isinstance(error, Exception):
            about = {names.EXCEPTION_TYPE: error_type(error), names.ML_OPERATION_METHOD: "backward"}
            state.run.failed(about)

    @guarded
    def scaled(self, loss: object, scaled: object) -> None:
        """A gradient scaler has scaled a loss."""
        if isinstance(loss, Tensor) and scaled is not loss:
            threads.current().scaled_loss = (id(scaled), loss.detach())

    @guarded
    def unscaled(self) -> None:
        """The gradients are no longer scaled."""
        threads.current().scaled = False

    @guarded
    def clipped(self, norm: object) -> None:
        """The gradients are clipped by their norm."""
        state = threads.current()
        if not state.scaled:
            state.clips = state.scalars.read(norm, state.values.norm)

    @guarded
    def update_begins(self, optimizer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """An optimizer begins to update."""
        state = threads.current()
        if state.in_step and state.phase == OPTIMIZER and state.updating == id(optimizer):
            state.depth += 1  # a subclass whose `step` calls that of its base, which has the hooks, too
            return
        state.update_begins(perf_counter_ns(), id(optimizer))
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        state.closure = closure is not None
        if state.device is not None:
            state.device.marks(OPTIMIZER)
        state.norm_at -= 1
        if state.norm_at < 0 and state.microbatches and not (state.clips or state.scaled or state.closure):
            self._norms.read(state, state.run, optimizer, state.values)

    @guarded
    def update_ended(self, optimizer: Any, *, skipped: bool = False) -> None:
        """An optimizer has updated, which ends a step; or its update was left out."""
        state = threads.current()
        if state.depth and not skipped:
            state.depth -= 1
            return
        trained = self._owners.of(optimizer)
        run = trained.run
        if run is None:
            return
        if state.run is None:
            self.checkpoints.tell_loads(run)
        ends = state.updated(perf_counter_ns(), id(optimizer), run)
        state.run = run
        state.runs[run] = None
        if not ends:
            run.add_to_step(state.spent())
            state.times = [0] * 5
            return
        found_inf = getattr(optimizer, "found_inf", None)  # there while a fused optimizer updates, or leaves it out
        if found_inf is not None and not found_inf.is_cuda:
            skipped = bool(found_inf.item())
        step = TrainingStep(
            state.spent(),
            state.samples(),
            state.tokens,
            state.microbatches,
            gradients.learning_rate(optimizer),
            skipped,
        )
        state.values.belong_to(run, trained.watch)
        if state.device is None or not state.device.ends(step, run, found_inf):
            run.add_step(step)
        if step.times.data_wait > STALLED:
            _judge_wait(state, run, trained.watch, step.times.data_wait)
        if state.is_plain() and not skipped:
            threads.put_aside(state, run, trained, optimizer, self._owners, self._norms)
        state.clear()
        for due in state.epochs_due():
            _end_epoch(due)

    @guarded
    def left_out(self, scaler: Any, optimizer: Any, updates: int) -> None:
        """A gradient scaler's `step` has returned; an update that has not happened was left out.

        Args:
            scaler: the gradient scaler.
            optimizer: what it was to update.
            updates: how many updates there had been before.
        """
        compiled = hasattr(optimizer.step, "_torchdynamo_orig_callable")  # whose update runs no hooks
        if scaler.is_enabled() and not compiled and threads.current().updates == updates:
            self.update_ended(optimizer, skipped=True)

    @guarded
    def updates(self) -> int:
        """How many updates there have been on this thread."""
        return threads.current().updates

    def forget(self) -> None:
        """Know nothing, as in a forked child."""
        loops.clear()
        threads.forget()
        self._owners = Owners(self.telemetry, loops)

    def flush(self) -> None:
        """Report what is under way on this thread, before runs end."""
        state = threads.current()
        if (validation := state.validation) is not None:
            state.validation = None
            validation.end()
        for run in state.overdue():
            _end_epoch(run)
        state.scalars.poll()
        if state.device is not None:
            state.device.flush()


def _judge_wait(state: Loop, run: TrainingRun, watch: Watch, wait: int) -> None:
    stalled = watch.wait(wait, run.mean_step, first=state.first_batch)
    if stalled is not None:
        run.anomaly(stalled, tell=watch.is_new("data", stalled))


def _end_epoch(run: TrainingRun) -> None:
    if not run.declared.reports_epochs:
        run.end_epoch()
