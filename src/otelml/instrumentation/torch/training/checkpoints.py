"""Checkpoints that are saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from time import perf_counter_ns, time_ns

from torch import Tensor
from torch.nn import Module

from otelml._guard import guarded
from otelml.instrumentation.torch.training import threads
from otelml.semconv.attributes import TrainingCheckpointOperation
from otelml.telemetry.errors import error_type
from otelml.telemetry.training import TrainingRun

_MOST = 64
_DEPTH = 3
_MAX_LOADS = 16


class Checkpoints:
    """Reports what is saved and loaded on a thread that trains, and what was loaded before it did."""

    def __init__(self) -> None:
        self._loads: list[tuple[float, None, int]] = []

    @guarded
    def saved(self, content: object, began: int, error: BaseException | None) -> None:
        """Something was saved; a checkpoint, if it holds the state of a module or an optimizer.

        Args:
            content: what was saved.
            began: when, by `perf_counter_ns`.
            error: what ended it.
        """
        seconds = (perf_counter_ns() - began) * 1e-9
        run = threads.current().run
        if run is not None and not run.declared.reports_checkpoints and is_checkpoint(content):
            failed = None if error is None else error_type(error)
            run.checkpoint(TrainingCheckpointOperation.SAVE, seconds, failed)

    @guarded
    def loaded(self, content: object, began: int) -> None:
        """Something was loaded; if training begins later, it was what training goes on from."""
        load = ((perf_counter_ns() - began) * 1e-9, None, time_ns())
        if not is_checkpoint(content):
            return
        run = threads.current().run
        if run is not None:
            run.checkpoint(TrainingCheckpointOperation.LOAD, *load)
        elif len(self._loads) < _MAX_LOADS:
            self._loads.append(load)

    def tell_loads(self, run: TrainingRun) -> None:
        """Report what was loaded before the run began."""
        loads, self._loads = self._loads, []
        for load in loads:
            run.checkpoint(TrainingCheckpointOperation.LOAD, *load)


def is_checkpoint(content: object, depth: int = _DEPTH) -> bool:
    """Whether an object holds the state of a module or an optimizer: a mapping with tensors in it, or a module."""
    if isinstance(content, Module):
        return True
    if not isinstance(content, Mapping) or not depth:
        return False
    values = list(islice(content.values(), _MOST))
    return any(isinstance(value, Tensor) or is_checkpoint(value, depth - 1) for value in values)
