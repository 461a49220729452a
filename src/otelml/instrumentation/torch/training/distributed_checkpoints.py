"""Checkpoints of `torch.distributed.checkpoint`, of which each process writes and reads its part."""

from __future__ import annotations

import functools
from time import perf_counter_ns
from types import ModuleType
from typing import Any

from otelml._guard import guarded
from otelml.instrumentation._patches import OnImport
from otelml.instrumentation.torch.training import active
from otelml.instrumentation.torch.training.checkpoints import whole
from otelml.instrumentation.torch.training.rows import Function, Row, Wrapped
from otelml.semconv.attributes import TrainingCheckpointMode, TrainingCheckpointOperation

_wrapped: Wrapped | None = None


def switch_on() -> None:
    """Wrap the functions, when they are imported."""
    global _wrapped
    if _wrapped is None:
        _wrapped = Wrapped()
        _IMPORTS.expect()


def switch_off() -> None:
    """Restore the functions."""
    global _wrapped
    wrapped, _wrapped = _wrapped, None
    if wrapped is not None:
        wrapped.unwrap()


@guarded
def _imported(package: ModuleType) -> None:
    if _wrapped is None:
        return
    from torch.distributed.checkpoint import state_dict_loader, state_dict_saver

    # Not `save_state_dict` and `load_state_dict`, which warn those who call them.
    _wrapped.wrap(
        (
            Row((state_dict_saver, package), "save", _save),
            Row((state_dict_saver, package), "async_save", _async_save),
            Row((state_dict_loader, package), "load", _load),
        )
    )


def _around(operation: str, mode: str | None) -> Any:
    def wrap(function: Function) -> Function:
        @functools.wraps(function)
        def checkpoint(*args: Any, **kwargs: Any) -> Any:
            training = active.training
            if training is None:
                return function(*args, **kwargs)
            began = perf_counter_ns()
            token = whole.set(True)  # what it writes and reads with `torch.save` and `torch.load` are parts of it
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                training.checkpoints.done(operation, began, error, mode)
                raise
            finally:
                whole.reset(token)
            if mode == TrainingCheckpointMode.ASYNC:
                training.checkpoints.goes_on(result, began)
            else:
                training.checkpoints.done(operation, began, None, mode)
            return result

        return checkpoint

    return wrap


_save = _around(TrainingCheckpointOperation.SAVE, TrainingCheckpointMode.SYNC)
_async_save = _around(TrainingCheckpointOperation.SAVE, TrainingCheckpointMode.ASYNC)
_load = _around(TrainingCheckpointOperation.LOAD, TrainingCheckpointMode.SYNC)

_IMPORTS = OnImport(["torch.distributed.checkpoint"], _imported)
