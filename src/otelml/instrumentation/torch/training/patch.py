"""Which functions of PyTorch are wrapped, and the hooks that it offers itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import torch
import torch.amp.grad_scaler
import torch.cuda.graphs
import torch.nn.utils.clip_grad
import torch.utils.data.dataloader
from torch import compiler
from torch.compiler import is_dynamo_compiling
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from otelml.instrumentation.torch.training import active, captures, distributed_checkpoints, quick, threads
from otelml.instrumentation.torch.training.rows import Function, Row, Wrapped
from otelml.telemetry.training.declared import current as declared_now
from otelml.telemetry.training.log import ENDS, LOADS, UPDATES, WAITS


def _next(function: Function) -> Function:
    @functools.wraps(function)
    def __next__(self: Any) -> Any:
        if is_dynamo_compiling():
            return function(self)
        if compiler._is_compiling_flag or (training := active.training) is None:
            return function(self)
        log = threads.here.log
        if log.at == WAITS and log.loader() is self:
            log.marks.append(perf_counter_ns())
            log.at = LOADS
        else:
            training.waits()
        try:
            batch = function(self)
        except StopIteration:
            training.exhausts(self)
            raise
        if log.at != LOADS or not quick.loads(log, batch):
            training.loads(self, batch)
        return batch

    return __next__


def _clip(function: Function) -> Function:
    @functools.wraps(function)
    def clip_grad_norm_(*args: Any, **kwargs: Any) -> Any:
        norm = function(*args, **kwargs)
        if not torch.compiler.is_compiling() and (training := active.training) is not None:
            training.clipped(norm)
        return norm

    return clip_grad_norm_


def _scale(function: Function) -> Function:
    @functools.wraps(function)
    def scale(self: Any, outputs: Any) -> Any:
        scaled = function(self, outputs)
        if not torch.compiler.is_compiling() and (training := active.training) is not None:
            training.scaled(outputs, scaled)
        return scaled

    return scale


def _unscale(function: Function) -> Function:
    @functools.wraps(function)
    def unscale_(self: Any, optimizer: Any) -> Any:
        result = function(self, optimizer)
        if (training := active.training) is not None:
            training.unscaled()
        return result

    return unscale_


def _scaler_step(function: Function) -> Function:
    @functools.wraps(function)
    def step(self: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling() or (training := active.training) is None:
            return function(self, optimizer, *args, **kwargs)
        updates = training.updates()
        result = function(self, optimizer, *args, **kwargs)
        if updates is not None:
            training.left_out(self, optimizer, updates)
        return result

    return step


def _save(function: Function) -> Function:
    @functools.wraps(function)
    def save(*args: Any, **kwargs: Any) -> Any:
        if (training := active.training) is None:
            return function(*args, **kwargs)
        content = args[0] if args else kwargs.get("obj")
        began = perf_counter_ns()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            training.checkpoints.saved(content, began, error)
            raise
        training.checkpoints.saved(content, began, None)
        return result

    return save


def _load(function: Function) -> Function:
    @functools.wraps(function)
    def load(*args: Any, **kwargs: Any) -> Any:
        if (training := active.training) is None:
            return function(*args, **kwargs)
        began = perf_counter_ns()
        content = function(*args, **kwargs)
        training.checkpoints.loaded(content, began)
        return content

    return load


def _capture(around: Callable[..., Any]) -> Callable[[Function], Function]:
    def wrap(function: Function) -> Function:
        @functools.wraps(function)
        def captured(self: Any, *args: Any, **kwargs: Any) -> Any:
            return around(function, self, args, kwargs)

        return captured

    return wrap


_ROWS = (
    Row((torch.autograd,), "backward", quick.backward),
    Row((torch.utils.data.dataloader._BaseDataLoaderIter,), "__next__", _next),
    Row((torch.nn.utils.clip_grad, torch.nn.utils), "clip_grad_norm_", _clip),
    Row((torch.amp.grad_scaler.GradScaler,), "scale", _scale),
    Row((torch.amp.grad_scaler.GradScaler,), "unscale_", _unscale),
    Row((torch.amp.grad_scaler.GradScaler,), "step", _scaler_step),
    Row((torch.serialization, torch), "save", _save),
    Row((torch.serialization, torch), "load", _load),
    Row((torch.cuda.graphs.CUDAGraph,), "capture_begin", _capture(captures.begins)),
    Row((torch.cuda.graphs.CUDAGraph,), "capture_end", _capture(captures.ends)),
)

_wrapped = Wrapped()
_handles: list[Any] = []


def _before(optimizer: Any, args: Any, kwargs: Any) -> None:
    if is_dynamo_compiling():
        return
    log = threads.here.log
    if (
        log.at == UPDATES
        and len(args) == 1
        and not kwargs
        and log.optimizer() is optimizer
        and ((declared := declared_now()) is None or declared is log.declared)
    ):
        log.marks.append(perf_counter_ns())
        log.at = ENDS
        if log.turn == 1:
            threads.last_update_begins(optimizer)
        return
    if not compiler._is_compiling_flag and (training := active.training) is not None:
        training.update_begins(optimizer, args, kwargs)


def _after(optimizer: Any, _args: Any, _kwargs: Any) -> None:
    if is_dynamo_compiling():
        return
    log = threads.here.log
    if log.at == ENDS:
        log.turn -= 1
        log.at = log.first
        log.marks.append(perf_counter_ns())
        if log.turn <= 0:
            threads.slice_ended()
    elif not compiler._is_compiling_flag and (training := active.training) is not None:
        training.update_ended(optimizer)


def switch_on() -> None:
    """Wrap what is not wrapped yet."""
    if _handles:
        return
    _wrapped.wrap(_ROWS)
    distributed_checkpoints.switch_on()
    _handles.append(register_optimizer_step_pre_hook(_before))
    _handles.append(register_optimizer_step_post_hook(_after))


def switch_off() -> None:
    """Restore every function that nobody wrapped after us; the others stay, and stay inert."""
    distributed_checkpoints.switch_off()
    _wrapped.unwrap()
    for handle in _handles:
        handle.remove()
    _handles.clear()
