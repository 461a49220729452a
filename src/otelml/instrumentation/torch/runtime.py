"""What a patched `nn.Module.__call__` does: the host's call, with telemetry before and after it.

An outermost call is an inference call unless gradients are computed in training mode, it is made inside a backward
pass, or the training loop that is watched claims it. What traces or simulates a module is no call of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from time import perf_counter_ns, thread_time_ns
from typing import Any, ClassVar

import torch
from opentelemetry.context import attach, detach
from opentelemetry.util.types import AttributeValue
from torch import Tensor, compiler

from otelml._guard import report
from otelml.instrumentation import _passes
from otelml.instrumentation._calls import Arguments, Keywords, ModelCalls, current_context
from otelml.instrumentation._generation import is_claimed
from otelml.instrumentation.torch import extract, tables, training
from otelml.instrumentation.torch.frames import uncompiled
from otelml.instrumentation.torch.identity import identity
from otelml.instrumentation.torch.training import quick, threads
from otelml.observations import Intake, ModelIdentity, ModelMonitors, Outputs
from otelml.observations.profile import has_reference
from otelml.semconv.attributes import ModelTask, OperationName
from otelml.telemetry import Target, Telemetry
from otelml.telemetry.context import unremarkable
from otelml.telemetry.series import Series
from otelml.telemetry.training.log import BACKWARDS, FORWARDS, LOADS

FORWARD = "forward"
GENERATE = "generate"

inside: ContextVar[Any] = ContextVar("otelml_torch_inside", default=None)
"""The module whose outermost call this context is in, None outside any."""

_active: Runtime | None = None
_SITE = "instrumentation.torch.runtime.call"

# Each of these is asked in every call, so their lookup is done once.
_grad_enabled = torch.is_grad_enabled
_backward_task = torch._C._current_graph_task_id
_trace = torch._C._get_tracing_state
_modes = torch._C._len_torch_dispatch_stack
_vmap_level = torch._C._functorch.maybe_current_level
_NO_TASK = -1
_attach, _detach = uncompiled(attach), uncompiled(detach)

_TRACERS = (torch._C._TorchDispatchModeKey.FAKE, torch._C._TorchDispatchModeKey.PROXY)

UNSEEN = object()
"""Claims a call that is not to be seen: one that traces or simulates, or that gradients are computed of."""


def activate(telemetry: Telemetry, monitors: ModelMonitors | None, *, with_shapes: bool) -> None:
    """Switch the patched functions on."""
    global _active
    _active = Runtime(telemetry, monitors, with_shapes=with_shapes)


def deactivate() -> None:
    """Make the patched functions inert."""
    global _active
    _active = None


def call(function: Callable[..., Any], module: Any, args: tuple[Any, ...], kwargs: Keywords) -> Any:  # noqa: C901 - no frames to spare
    """Call the host's module, in no other instrumented call; its result and its exception are returned untouched.

    This is the hot path, as that of scikit-learn's hook: a call of which nothing is recorded is timed, and its number
    of samples put aside. The two `except` clauses stand for `guarded` (docs/decisions/0004).
    """
    runtime = _active
    if runtime is None:
        return function(module, *args, **kwargs)
    claim, target, token = UNSEEN, None, None
    try:
        with_gradients = _grad_enabled()
        if with_gradients and (
            (log := threads.here.log).at == FORWARDS
            and log.module() is module
            and log.by_rows
            and len(args) == 1
            and not kwargs
            and type(given := args[0]) is Tensor
            and module.training
            and not compiler._is_compiling_flag
            and not _modes()
            and _trace() is None
            and not given.is_meta
        ):  # the usual call of a step of training; it is `quick.forwards`, but for its frame
            shape = given.shape
            log.given.append(shape[0] if shape else 0)
            log.marks.append(perf_counter_ns())
            log.at = BACKWARDS
            token = inside.set(module)
        elif with_gradients and log.at > LOADS and quick.forwards(log, module, args, kwargs):
            token = inside.set(module)  # a step of training, of which no more is to be noted
        elif (
            with_gradients
            or training.loops
            or _passes.threads
            or _modes()
            or compiler._is_compiling_flag
            or _trace() is not None
            or (args and type(args[0]) is Tensor and args[0].is_meta)
        ):
            claim = runtime.claim(module, args, kwargs)
        else:
            claim = None
        if claim is None:
            target = runtime.forwards.get(id(module))
            if target is not None:
                series = target.series
                turn = series.turn
                if turn <= 0 or ((context := current_context()) and not unremarkable(context)):
                    target = None
    except Exception as fault:
        report(_SITE, fault)
    if token is not None:
        try:
            return function(module, *args, **kwargs)
        finally:
            inside.reset(token)
    if claim is not None:
        return _call_claimed(claim, function, module, args, kwargs)
    if target is None:
        return _call_recorded(runtime, function, FORWARD, module, args, kwargs)
    token = inside.set(module)
    working = thread_time_ns() if turn == 1 else 0
    began = perf_counter_ns()
    try:
        result = function(module, *args, **kwargs)
    except BaseException as error:
        inside.reset(token)
        runtime.fail_unrecorded(target, began, (module, *args), kwargs, error)
        raise
    duration = perf_counter_ns() - began
    inside.reset(token)
    try:
        series.durations.append(duration)
        if (
            target.labelled
            or target.intake is not None
            or len(args) != 1
            or type(args[0]) is not Tensor
            or args[0].dim() < 2
            or _vmap_level() is not None
        ):
            runtime.put_aside(target, (module, *args), kwargs, result, duration)
        else:
            series.rows.append(args[0].size(0))
        series.turn -= 1
        if series.turn <= 0:
            runtime.settle(series, duration, thread_time_ns() - working if working else 0)
    except Exception as fault:
        report(_SITE, fault)
    return result


def generate(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call `generate` of a Transformers model; the many calls of the model inside it are part of it.

    Where the hook of Transformers is on, it tells the call, as that of a GenAI model (docs/decisions/0013).
    """
    if compiler.is_dynamo_compiling() or _active is None or not args or inside.get() is not None:
        return function(*args, **kwargs)
    if is_claimed(args, kwargs):
        return _call_claimed(UNSEEN, function, args[0], args[1:], kwargs)
    return _call_recorded(_active, function, GENERATE, args[0], args[1:], kwargs)


def _call_claimed(
    claim: object, function: Callable[..., Any], module: Any, args: tuple[Any, ...], kwargs: Keywords
) -> Any:
    token = inside.set(module)
    result = None
    try:
        result = function(module, *args, **kwargs)
    finally:
        inside.reset(token)
        if claim is not UNSEEN:
            training.forward_ended(claim, result)
    return result


def _call_recorded(
    runtime: Runtime,
    function: Callable[..., Any],
    method: str,
    module: Any,
    args: tuple[Any, ...],
    kwargs: Keywords,
) -> Any:
    given = (module, *args)
    operation = runtime.start(method, given, kwargs)
    if operation is None:
        return _call_claimed(UNSEEN, function, module, args, kwargs)
    token = inside.set(module)
    attached = _attach(operation.context) if operation.has_span else None
    try:
        try:
            result = function(module, *args, **kwargs)
        finally:
            inside.reset(token)
            if attached is not None:
                _detach(attached)
    except BaseException as error:
        runtime.fail(operation, given, kwargs, error)
        raise
    runtime.stop(operation, given, kwargs, result)
    return result


class Runtime(ModelCalls):
    """The modules that the hook knows.

    Attributes:
        forwards: the targets of `forward` by the id of a living module.
    """

    operations: ClassVar[Mapping[str, str]] = {FORWARD: OperationName.PREDICT, GENERATE: OperationName.PREDICT}

    def __init__(self, telemetry: Telemetry, monitors: ModelMonitors | None, *, with_shapes: bool) -> None:
        super().__init__(telemetry)
        self._monitors = monitors
        self.forwards = self.targets[FORWARD]
        self._with_shapes = with_shapes

    start = uncompiled(ModelCalls.start)
    stop = uncompiled(ModelCalls.stop)
    fail = uncompiled(ModelCalls.fail)
    fail_unrecorded = uncompiled(ModelCalls.fail_unrecorded)
    settle = staticmethod(uncompiled(Series.settle))

    @uncompiled
    def claim(self, module: Any, args: tuple[Any, ...], kwargs: Keywords) -> object:
        """Whose call this is: None for an inference call, else what `_call_claimed` takes."""
        if compiler._is_compiling_flag or _trace() is not None or self._is_simulated((module, *args), kwargs):
            return UNSEEN
        with_gradients = _grad_enabled()
        if with_gradients or training.loops:
            step = training.forward_began(module, args, kwargs)
            if step is not None:
                return step
        if _passes.threads and _passes.is_here():
            return UNSEEN
        if with_gradients and (module.training or _backward_task() != _NO_TASK or _vmap_level() is not None):
            return UNSEEN
        return None

    @staticmethod
    def _is_simulated(args: Arguments, kwargs: Keywords) -> bool:
        if _modes() and any(torch._C._get_dispatch_mode(mode) is not None for mode in _TRACERS):
            return True
        return extract.is_simulated(extract.first_tensor(args, kwargs))

    def identity(self, model: Any) -> ModelIdentity:
        """Who a module is."""
        return identity(model)

    def labelled(self, identity: ModelIdentity, method: str) -> bool:
        """Whether the application has said that the module classifies, and by that asked for counts of its classes."""
        return method == FORWARD and identity.task == ModelTask.CLASSIFICATION

    def outputs(self, target: Target, args: Arguments, kwargs: Keywords, result: object) -> Outputs | None:
        """What a call returned, counted."""
        return extract.outputs(args, kwargs, result, labelled=target.labelled)

    def row_count(self, args: Arguments, kwargs: Keywords) -> int | None:
        """The number of samples of the input."""
        return extract.row_count(args, kwargs)

    def input_attributes(self, args: Arguments, kwargs: Keywords) -> Mapping[str, AttributeValue] | None:
        """Data types, device, mode, and the shape if it is wanted."""
        return extract.input_attributes(args, kwargs, with_shape=self._with_shapes)

    def intake(self, model: Any, target: Target) -> Intake | None:
        """What takes the inputs of a module that `otelml.describe` has given a reference."""
        if self._monitors is None or target.method != FORWARD or not has_reference(model):
            return None
        into = self._monitors.intake(model, target.model, target.method)
        return None if into is None else tables.TableIntake(into)

    @uncompiled
    def put_aside(self, target: Target, args: Arguments, kwargs: Keywords, result: object, duration: int) -> None:
        """Count what a call returned of which nothing is recorded, and show it to the monitors."""
        self.count_outputs(target, args, kwargs, result)
        if target.intake is not None:
            target.intake(args, kwargs, result, duration)
