"""What the hooks write of a step that goes as the one before it: marks, and a few numbers (docs/decisions/0004).

Code between two calls of PyTorch costs three times what it takes in a loop, so nothing here calls more than it must.
The `except` clauses stand for `guarded`. Each function says whether the step still goes as expected; if not, the caller
follows it closely, and `threads.current` makes up for the marks that there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any

import torch
from torch import Tensor, compiler

from otelml._guard import report
from otelml.instrumentation.torch import extract
from otelml.instrumentation.torch.training import sizes
from otelml.instrumentation.torch.training.anomalies import STALLED
from otelml.instrumentation.torch.training.gradients import learning_rate
from otelml.instrumentation.torch.training.scalars import dispatch_modes
from otelml.telemetry.training.log import BACKWARDS, FORWARDS, RETURNS, StepLog

_SITE = "instrumentation.torch.training.quick"

# Each of these is asked in every step, so their lookup is done once.
_trace = torch._C._get_tracing_state


def forwards(log: StepLog, module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """An outermost module is called with gradients computed."""
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
        if log.by_rows and len(args) == 1 and not kwargs and type(given := args[0]) is Tensor and not given.is_meta:
            shape = given.shape
            log.given.append(shape[0] if shape else 0)
        elif not _given(log, module, args, kwargs):
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
    """The data loader gives the step's batch."""
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


def backwards(log: StepLog, tensors: object) -> bool:
    """The backward pass begins."""
    try:
        if type(tensors) is not Tensor or not tensors.is_cpu or tensors.numel() != 1:
            return False
        loss = tensors.item()
        if loss - loss != 0:  # not finite
            return False
        log.losses.append(loss)
        log.marks.append(perf_counter_ns())
        log.at = RETURNS
        return True
    except Exception as fault:
        report(_SITE, fault)
        return False


def ends(log: StepLog, optimizer: Any) -> bool:
    """The update, and the step with it, has ended; whether as many steps are put aside now as may be."""
    try:
        rate = optimizer.param_groups[0]["lr"]
        log.rate = rate if type(rate) is float else learning_rate(optimizer)
    except Exception as fault:
        report(_SITE, fault)
    log.turn -= 1
    log.at = log.first
    log.marks.append(perf_counter_ns())
    return log.turn <= 0
