"""Checkpoints that are saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from itertools import islice
from time import perf_counter_ns, time_ns
from typing import Any

from torch import Tensor
from torch.nn import Module

from otelml._guard import guarded
from otelml.instrumentation.torch.training import threads
from otelml.semconv.attributes import TrainingCheckpointMode, TrainingCheckpointOperation
from otelml.telemetry.errors import error_type
from otelml.telemetry.training import TrainingRun

_MOST = 64
_DEPTH = 3
_MAX_LOADS = 16

whole: ContextVar[bool] = ContextVar("otelml_torch_checkpoint", default=False)
"""Whether what is saved or loaded now is a part of a checkpoint, which is reported as a whole."""


class Checkpoints:
    """Reports what is saved and loaded on a thread that trains, and what was loaded before it did."""

    def __init__(self) -> None:
        self._loads: list[tuple[float, int, str | None]] = []

    @guarded
    def saved(self, content: object, began: int, error: BaseException | None) -> None:
        """Something was saved; a checkpoint, if it holds the state of a module or an optimizer.

        Args:
            content: what was saved.
            began: when, by `perf_counter_ns`.
            error: what ended it.
        """
        if not whole.get() and is_checkpoint(content):
            self.done(TrainingCheckpointOperation.SAVE, began, error, TrainingCheckpointMode.SYNC)

    @guarded
    def loaded(self, content: object, began: int) -> None:
        """Something was loaded; if training begins later, it was what training goes on from."""
        if not whole.get() and is_checkpoint(content):
            self.done(TrainingCheckpointOperation.LOAD, began, None, TrainingCheckpointMode.SYNC)

    @guarded
    def done(self, operation: str, began: int, error: BaseException | None, mode: str | None) -> None:
        """A checkpoint was saved or loaded, or an error ended that.

        Args:
            operation: a value of `ml.training.checkpoint.operation`.
            began: when, by `perf_counter_ns`.
            error: what ended it.
            mode: a value of `ml.training.checkpoint.mode`.
        """
        seconds = (perf_counter_ns() - began) * 1e-9
        run = threads.current().run
        if run is not None:
            _report(run, operation, seconds, error, mode)
        elif operation == TrainingCheckpointOperation.LOAD and error is None and len(self._loads) < _MAX_LOADS:
            self._loads.append((seconds, time_ns(), mode))

    @guarded
    def goes_on(self, answer: Any, began: int) -> None:
        """A checkpoint is being written in the background.

        Args:
            answer: what `async_save` returned: a future, or since 2.7 also an object with two.
            began: when, by `perf_counter_ns`.
        """
        run = threads.current().run
        if run is not None:
            future = getattr(answer, "upload_completion", answer)
            future.add_done_callback(lambda written: _written(run, began, written))

    def tell_loads(self, run: TrainingRun) -> None:
        """Report what was loaded before the run began."""
        loads, self._loads = self._loads, []
        for seconds, at, mode in loads:
            run.checkpoint(TrainingCheckpointOperation.LOAD, seconds, at=at, mode=mode)


@guarded
def _written(run: TrainingRun, began: int, written: Any) -> None:
    if not written.cancelled():
        seconds = (perf_counter_ns() - began) * 1e-9
        _report(run, TrainingCheckpointOperation.SAVE, seconds, written.exception(), TrainingCheckpointMode.ASYNC)


def _report(run: TrainingRun, operation: str, seconds: float, error: BaseException | None, mode: str | None) -> None:
    reported = operation == TrainingCheckpointOperation.SAVE and run.declared.reports_checkpoints
    if not reported:
        run.checkpoint(operation, seconds, None if error is None else error_type(error), mode=mode)


def is_checkpoint(content: object, depth: int = _DEPTH) -> bool:
    """Whether an object holds the state of a module or an optimizer: a mapping with tensors in it, or a module."""
    if isinstance(content, Module):
        return True
    if not isinstance(content, Mapping) or not depth:
        return False
    values = list(islice(content.values(), _MOST))
    return any(isinstance(value, Tensor) or is_checkpoint(value, depth - 1) for value in values)
