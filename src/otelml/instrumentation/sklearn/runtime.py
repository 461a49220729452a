"""What a wrapped method does: the host's call, with telemetry before and after it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from time import perf_counter_ns, thread_time_ns
from typing import Any, NamedTuple

from numpy import ndarray
from opentelemetry.context import _RUNTIME_CONTEXT, _SUPPRESS_INSTRUMENTATION_KEY, Context, attach, detach, get_current

from otelml._guard import guarded, report
from otelml.instrumentation.sklearn import extract, tasks
from otelml.instrumentation.sklearn.identity import identity
from otelml.instrumentation.sklearn.methods import METHODS
from otelml.observations import Call, Outputs, profile
from otelml.semconv.attributes import OperationName
from otelml.telemetry import Operation, Target, Telemetry
from otelml.telemetry.series import UNLABELLED

Arguments = tuple[Any, ...]
"""The positional arguments of the host's call, the estimator first."""

Keywords = Mapping[str, Any]

# `get_current()` without its two Python frames, a tenth of what a call of which nothing is recorded costs.
_variable = getattr(_RUNTIME_CONTEXT, "_current_context", None)
current_context = _variable.get if isinstance(_variable, ContextVar) else get_current
inside: ContextVar[bool] = ContextVar("otelml_sklearn_inside", default=False)
"""Whether this context is inside an instrumented call: only the outermost one counts."""

nested = False
"""Whether calls inside a call get spans."""

_active: Runtime | None = None
_SITE = "instrumentation.sklearn.runtime.call"


def activate(telemetry: Telemetry, *, with_nested: bool) -> None:
    """Switch the wrapped methods on."""
    global _active, nested
    _active = Runtime(telemetry)
    nested = with_nested


def deactivate() -> None:
    """Make the wrapped methods inert."""
    global _active
    _active = None


def is_active() -> bool:
    """Whether the wrapped methods are on."""
    return _active is not None


def call(function: Callable[..., Any], method: str, args: Arguments, kwargs: Keywords) -> Any:
    """Call the host's method; its result is returned untouched, its exception raised untouched.

    This is the hot path: a call of which nothing is recorded is timed, and what it returned put aside to be counted
    later. The two `except` clauses stand for `guarded`, whose extra frames would cost such a call a fifth more.
    """
    runtime = _active
    if runtime is None:
        return function(*args, **kwargs)
    try:
        target = runtime.targets[method].get(id(args[0]))
        if target is not None:
            series = target.series
            turn = series.turn
            if turn <= 0 or ((context := current_context()) and not runtime.telemetry.unremarkable(context)):
                target = None
    except Exception as fault:
        report(_SITE, fault)
        target = None
    if target is None:
        return _call_recorded(runtime, function, method, args, kwargs)
    token = inside.set(True)
    working = thread_time_ns() if turn == 1 else 0
    began = perf_counter_ns()
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        inside.reset(token)
        runtime.fail_unrecorded(target, began, args, kwargs, error)
        raise
    duration = perf_counter_ns() - began
    inside.reset(token)
    try:
        series.durations.append(duration)
        if type(result) is ndarray and result.size == 1:
            series.labels.append(result.item() if target.labelled else UNLABELLED)
        else:
            runtime.count_outputs(target, args, kwargs, result)
        series.turn -= 1
        if series.turn <= 0:
            series.settle(duration, thread_time_ns() - working if working else 0)
    except Exception as fault:
        report(_SITE, fault)
    return result


def _call_recorded(
    runtime: Runtime, function: Callable[..., Any], method: str, args: Arguments, kwargs: Keywords
) -> Any:
    estimator = args[0]
    operation = runtime.start(method, args, kwargs)
    if operation is None:
        return function(*args, **kwargs)
    fits = operation.counted and operation.target.operation == OperationName.FIT
    watched = tasks.watch(estimator, operation, with_spans=nested) if fits else None
    token = inside.set(True)
    attached = attach(operation.context) if operation.has_span else None
    try:
        try:
            result = function(*args, **kwargs)
        finally:
            inside.reset(token)
            if attached is not None:
                detach(attached)
            if watched is not None:
                tasks.unwatch(estimator, watched)
    except BaseException as error:
        runtime.fail(operation, args, kwargs, error)
        raise
    if watched is not None:
        watched.complete(estimator)
    runtime.stop(operation, args, kwargs, result)
    return result


class _Known(NamedTuple):
    """An estimator that has been called."""

    estimator: weakref.ref[Any]
    targets: dict[tuple[object, ...], Target]


class Runtime:
    """The state of the hook: its telemetry, and the estimators it knows.

    Attributes:
        telemetry: where everything goes.
        targets: by method and the id of a living estimator, what those of its calls are reported as that need nothing
            recorded. Nothing is written on the estimator, and nothing keeps it alive.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self.targets: dict[str, dict[int, Target]] = {method: {} for method in METHODS}
        self._known: dict[int, _Known] = {}
        profile.on_change(self.forget)

    @guarded
    def start(self, method: str, args: Arguments, kwargs: Keywords) -> Operation | None:
        """Begin a call; None when instrumentation is suppressed."""
        context = get_current()
        if context.get(_SUPPRESS_INSTRUMENTATION_KEY):
            return None
        target = self._target(args[0], method, context)
        if inside.get():
            operation = self.telemetry.start_nested(target, context)
        else:
            operation = self.telemetry.start(target, context)
        if operation.wants_span:
            operation.open_span(extract.row_count(args, kwargs), extract.feature_count(args, kwargs))
        return operation

    @guarded
    def stop(self, operation: Operation, args: Arguments, kwargs: Keywords, result: object) -> None:
        """End a call that returned."""
        try:
            duration = operation.elapsed()
            target = operation.target
            outputs = extract.outputs(target, args, kwargs, result) or Outputs()
            operation.record(duration, outputs)
            self._observe(operation, args, kwargs, duration, result=result, outputs=outputs)
            if target.method == "fit":
                self.forget(args[0])  # a pipeline's steps may be others than when it was first seen
        finally:
            operation.close()

    @guarded
    def fail(self, operation: Operation, args: Arguments, kwargs: Keywords, error: BaseException) -> None:
        """End a call that raised."""
        try:
            duration = operation.elapsed()
            operation.fail(duration, error)
            self._observe(operation, args, kwargs, duration, error=error)
        finally:
            operation.close()

    @guarded
    def fail_unrecorded(
        self, target: Target, began: int, args: Arguments, kwargs: Keywords, error: BaseException
    ) -> None:
        """End a call that raised when nothing was to be recorded of it; errors always are."""
        operation = self.telemetry.resume(target, get_current(), began)
        self.fail(operation, args, kwargs, error)

    @guarded
    def count_outputs(self, target: Target, args: Arguments, kwargs: Keywords, result: object) -> None:
        """Count what a call returned of which nothing is recorded."""
        outputs = extract.outputs(target, args, kwargs, result)
        if outputs is not None:
            target.series.add_outputs(outputs)

    @guarded
    def forget(self, estimator: Any) -> None:
        """Find out anew who an estimator is when it is called next."""
        self._drop(id(estimator))

    @guarded
    def _drop(self, key: int) -> None:
        self._known.pop(key, None)
        for targets in self.targets.values():
            targets.pop(key, None)

    def _target(self, estimator: Any, method: str, context: Context) -> Target:
        key = id(estimator)
        known = self._known.get(key)
        if known is None:
            # The entry goes before the estimator's memory, and with it the id, can be used again.
            known = self._known[key] = _Known(weakref.ref(estimator, lambda _gone: self._drop(key)), {})
        extra = self.telemetry.metric_context(context)
        variant = (method, *extra.items())
        target = known.targets.get(variant)
        if target is None:
            cls = type(estimator)
            function = f"{cls.__module__}.{cls.__qualname__}.{method}"
            model = identity(estimator)
            labelled = method == "predict" and model.task in extract.LABELLING
            target = self.telemetry.target(model, METHODS[method], method, function, extra, labelled=labelled)
            known.targets[variant] = target
            if not (extra or nested or self.telemetry.observers):
                self.targets[method][key] = target
        return target

    def _observe(
        self,
        operation: Operation,
        args: Arguments,
        kwargs: Keywords,
        duration: float,
        *,
        result: object = None,
        outputs: Outputs | None = None,
        error: BaseException | None = None,
    ) -> None:
        if not self.telemetry.observers or not operation.counted:
            return
        target = operation.target
        call = Call(
            target.model,
            target.operation,
            target.method,
            args[1:],
            kwargs,
            result,
            outputs or Outputs(),
            duration,
            error,
        )
        self.telemetry.observe(call)
