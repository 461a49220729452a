"""What a wrapped method does: the host's call, with telemetry before and after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from time import perf_counter_ns, thread_time_ns
from typing import Any, ClassVar

from numpy import ndarray
from opentelemetry.context import Context, attach, detach

from otelml._guard import guarded, report
from otelml.instrumentation._calls import Arguments, Keywords, ModelCalls, current_context
from otelml.instrumentation.sklearn import extract, tasks
from otelml.instrumentation.sklearn.identity import identity
from otelml.instrumentation.sklearn.methods import METHODS
from otelml.observations import Intake, ModelIdentity, ModelMonitors, Outputs
from otelml.semconv.attributes import OperationName
from otelml.telemetry import Operation, Target, Telemetry
from otelml.telemetry.context import unremarkable
from otelml.telemetry.series import UNLABELLED

inside: ContextVar[bool] = ContextVar("otelml_sklearn_inside", default=False)
"""Whether this context is inside an instrumented call: only the outermost one counts."""

evaluating: ContextVar[bool] = ContextVar("otelml_sklearn_evaluating", default=False)
"""Whether this context measures a model, as cross-validation and scorers do: its predictions are no traffic."""

nested = False
"""Whether calls inside a call get spans."""

_active: Runtime | None = None
_SITE = "instrumentation.sklearn.runtime.call"


def activate(telemetry: Telemetry, monitors: ModelMonitors | None, *, with_nested: bool) -> None:
    """Switch the wrapped methods on."""
    global _active, nested
    _active = Runtime(telemetry, monitors)
    nested = with_nested


def deactivate() -> None:
    """Make the wrapped methods inert."""
    global _active
    _active = None
    for known in KNOWN.values():
        known.clear()


def is_active() -> bool:
    """Whether the wrapped methods are on."""
    return _active is not None


class Known(dict[int, Target]):
    """What the calls of one method are reported as that need nothing recorded, by the id of a living estimator.

    Attributes:
        method: the name of the method.
    """

    def __init__(self, method: str) -> None:
        super().__init__()
        self.method = method


KNOWN = {method: Known(method) for method in METHODS}
"""By method; empty while the wrapped methods are inert."""


def call(function: Callable[..., Any], known: Known, args: Arguments, kwargs: Keywords) -> Any:  # noqa: C901 - no frames to spare
    """Call the host's method; its result is returned untouched, its exception raised untouched.

    This is the hot path: a call of which nothing is recorded is timed, and what it returned put aside to be counted
    later. The two `except` clauses stand for `guarded`, whose extra frames would cost such a call a fifth more.
    """
    try:
        target = known.get(id(args[0]))
        if target is not None:
            series = target.series
            turn = series.turn
            if turn <= 0 or ((context := current_context()) and not unremarkable(context)):
                target = None
    except Exception as fault:
        report(_SITE, fault)
        target = None
    if target is None:
        return _call_recorded(function, known.method, args, kwargs)
    token = inside.set(True)
    working = thread_time_ns() if turn == 1 else 0
    began = perf_counter_ns()
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        inside.reset(token)
        if _active is not None:
            _active.fail_unrecorded(target, began, args, kwargs, error)
        raise
    duration = perf_counter_ns() - began
    inside.reset(token)
    try:
        series.durations.append(duration)
        if type(result) is ndarray and result.size == 1:
            series.labels.append(result.item() if target.labelled else UNLABELLED)
        elif _active is not None:
            _active.count_outputs(target, args, kwargs, result)
        if target.intake is not None and not evaluating.get():
            target.intake(args, kwargs, result, duration)
        series.turn = turn = turn - 1  # of two threads one may count for nothing: the slice is a call longer
        if turn <= 0:
            series.settle(duration, thread_time_ns() - working if working else 0)
    except Exception as fault:
        report(_SITE, fault)
    return result


def _call_recorded(function: Callable[..., Any], method: str, args: Arguments, kwargs: Keywords) -> Any:
    runtime = _active
    if runtime is None:
        return function(*args, **kwargs)
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


class Runtime(ModelCalls):
    """The estimators that the hook knows, and who watches them."""

    operations: ClassVar[Mapping[str, str]] = METHODS

    def __init__(self, telemetry: Telemetry, monitors: ModelMonitors | None) -> None:
        super().__init__(telemetry)
        for known in KNOWN.values():
            known.clear()
        self.targets = dict(KNOWN)
        self._monitors = monitors

    def identity(self, model: Any) -> ModelIdentity:
        """Who an estimator is."""
        return identity(model)

    def labelled(self, identity: ModelIdentity, method: str) -> bool:
        """Whether a method returns classes."""
        return method == "predict" and identity.task in extract.LABELLING

    def outputs(self, target: Target, args: Arguments, kwargs: Keywords, result: object) -> Outputs | None:
        """What a call returned, counted."""
        return extract.outputs(target, args, kwargs, result)

    def row_count(self, args: Arguments, kwargs: Keywords) -> int | None:
        """The number of samples of the input."""
        return extract.row_count(args, kwargs)

    def feature_count(self, args: Arguments, kwargs: Keywords) -> int | None:
        """The number of features of a sample of the input."""
        return extract.feature_count(args, kwargs)

    def is_quick(self) -> bool:
        """Calls inside a call may need a span when those are wanted."""
        return super().is_quick() and not nested

    def begin(self, target: Target, context: Context) -> Operation:
        """Begin a call, which may be one inside a call."""
        return self.telemetry.start_nested(target, context) if inside.get() else super().begin(target, context)

    def intake(self, model: Any, target: Target) -> Intake | None:
        """What takes the calls of a method that serves predictions."""
        if self._monitors is None or target.operation == OperationName.FIT:
            return None
        return self._monitors.intake(model, target.model, target.method)

    def ended(self, operation: Operation, args: Arguments, kwargs: Keywords, result: object, duration: float) -> None:
        """Show the monitors what was learned from, or what was served."""
        target = operation.target
        if operation.counted and not evaluating.get():
            if target.operation == OperationName.FIT and self._monitors is not None:
                self._monitors.learned(args[0], target.model, target.method, args[1:], kwargs)
            super().ended(operation, args, kwargs, result, duration)
        if target.method == "fit":
            self.forget(args[0])  # a pipeline's steps may be others than when it was first seen

    @guarded
    def forget(self, model: Any) -> None:
        """Find out anew who an estimator is when it is called next; what it is a part of has a name of its own."""
        self._drop(id(model))
