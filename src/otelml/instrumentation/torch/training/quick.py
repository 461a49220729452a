"""What the hooks write of a step that goes as the one before it: marks, and a few numbers (docs/decisions/0004).

Code between two calls of PyTorch costs three times what it takes in a loop, so nothing here calls more than it must.
The `except` clauses stand for `guarded`. A step that does not go as expected is followed closely, and `threads.current`
makes up for the marks that there are (docs/decisions/0014).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any

import torch
from torch import Tensor, compiler
from torch.compiler import is_dynamo_compiling

from otelml._guard import guarded, report
from otelml.instrumentation.torch import extract
from otelml.instrumentation.torch.training import active, sizes, threads
from otelml.instrumentation.torch.training.anomalies import STALLED
from otelml.instrumentation.torch.training.rows import Function
from otelml.instrumentation.torch.training.scalars import dispatch_modes
from otelml.telemetry.training.log import BACKWARDS, FORWARDS, RETURNS, UPDATES, StepLog

_SITE = "instrumentation.torch.training.quick"

# Each of these is asked in every step, so their lookup is done once.
_trace = torch._C._get_tracing_state


def forwards(log: StepLog, module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """An outermost module is called with gradients computed; whether the step still goes as expected."""
    at = log.at
    try:
        if at == BACKWARDS:  # after the model, modules with nothing to train, such as a loss
            known = log.untrained.get(id(module))
            return known is not None and known[1] is None and module.training and not compiler._is_compiling_flag
        if (
            at != FORWARDS
            or log.module() is not module
            or not module.training
            or compiler._is_compiling_flag
            or dispatch_modes()
            or _trace() is not None
        ):
            return False
        if not _given(log, module, args, kwargs):
            return False
        log.marks.append(perf_counter_ns())
        log.at = BACKWARDS
        return True
    except Exception as fault:
        report(_SITE, fault)
        return False


def _given(log: StepLog, module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    if extract.is_simulated(extract.first_tensor((module, *args), kwargs)):
        return False
    rows = sizes.given_rows(module, args, kwargs)
    if log.token_argument is not None:
        log.tokens.append(sizes.given_tokens(*log.token_argument, args, kwargs))
    log.given.append(rows)
    return True


def loads(log: StepLog, batch: Any) -> bool:
    """The data loader gives the step's batch; whether the step still goes as expected."""
    try:
        if type(batch) is list and batch and type(batch[0]) is Tensor and batch[0].dim():
            rows = batch[0].size(0)
        else:
            rows = sizes.rows(batch)
        now = perf_counter_ns()
        if not rows or now - log.marks[-1] > STALLED:
            return False
        log.loads.append(rows)
        log.marks.append(now)
        log.at = FORWARDS
        return True
    except Exception as fault:
        report(_SITE, fault)
        return False


def backward(function: Function) -> Function:
    """Wrap `torch.autograd.backward`."""

    @functools.wraps(function)
    def backward(*args: Any, **kwargs: Any) -> Any:
        if is_dynamo_compiling():
            return function(*args, **kwargs)
        log = threads.here.log
        is_quick = False
        if log.at == BACKWARDS and args and type(loss := args[0]) is Tensor:
            try:
                if loss.is_cpu and loss.numel() == 1 and (value := loss.item()) - value == 0:  # finite
                    log.losses.append(value)
                    log.marks.append(perf_counter_ns())
                    log.at = RETURNS
                    is_quick = True
            except Exception as fault:
                report(_SITE, fault)
        if not is_quick:
            return _backward(function, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            _backward_ended(error)
            raise
        if log.at == RETURNS:
            log.marks.append(perf_counter_ns())
            log.at = UPDATES
        else:
            _backward_ended(None)
        return result

    return backward


def _backward(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call it for a step that is followed closely."""
    if compiler._is_compiling_flag or (training := active.training) is None:
        return function(*args, **kwargs)
    state = training.backward_begins(args[0] if args else kwargs.get("tensors"))
    if state is None:
        return function(*args, **kwargs)
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        training.failed(state, error)
        raise
    training.backward_ended(state)
    return result


@guarded
def _backward_ended(error: BaseException | None) -> None:
    """A pass that was put aside is followed closely after all: it has raised, or something went on inside it."""
    if (training := active.training) is None:
        return
    if error is None:
        training.backward_ended(threads.current())
    else:
        training.failed(threads.current(), error)
