"""What a wrapped method does: the host's call, with telemetry before and after it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from time import perf_counter_ns, thread_time_ns
from typing import Any, ClassVar

from numpy import ndarray
from opentelemetry.context import Context, attach, detach

from otelml._guard import guarded, report
from otelml.instrumentation._calls import Arguments, Keywords, ModelCalls, current_context
from otelml.instrumentation.sklearn import extract
from otelml.instrumentation.sklearn.candidates import Candidates
from otelml.instrumentation.sklearn.identity import identity
from otelml.instrumentation.sklearn.methods import METHODS
from otelml.instrumentation.sklearn.steps import Steps
from otelml.instrumentation.sklearn.tasks import FitTasks
from otelml.observations import Intake, ModelIdentity, ModelMonitors, Outputs
from otelml.semconv.attributes import OperationName
from otelml.telemetry import Operation, Target, Telemetry
from otelml.telemetry.context import unremarkable
from otelml.telemetry.series import MOST_ASIDE, Tally

inside: ContextVar[Operation | bool] = ContextVar("otelml_sklearn_inside", default=False)
"""Whether this context is inside an instrumented call, of which only the outermost one counts; the call itself where it
is recorded."""

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
    instrumented.cache_clear()


def is_active() -> bool:
    """Whether the wrapped methods are on."""
    return _active is not None


KNOWN: dict[str, dict[int, Target]] = {method: {} for method in METHODS}
"""What calls are reported as that need nothing recorded, by method and the id of a living estimator; empty while the
wrapped methods are inert."""

_ABSENT: Any = object()


def wrapper(method: str, function: Callable[..., Any]) -> Callable[..., Any]:  # noqa: C901 - no frames to spare
    """What a method of the host becomes: its result is returned untouched, its exception raised untouched.

    This is the hot path: a call of which nothing is recorded is timed, and what it returned put aside to be counted
    later. The usual call, of a model with one table, is passed on by position, which costs a tenth of what `*args` do;
    and all of it is one function, as each further one costs as much as the clock (docs/decisions/0004). The two
    `except` clauses stand for `guarded`.

    Args:
        method: the name of the method.
        function: the host's.
    """
    known, is_inside, enter, leave = KNOWN[method], inside.get, inside.set, inside.reset

    def call(model: Any = _ABSENT, table: Any = _ABSENT, /, *rest: Any, **kwargs: Any) -> Any:  # noqa: C901
        plain = not kwargs and not rest and table is not _ABSENT
        if (outer := is_inside()) and not nested:
            if outer is not True:
                outer.inner_calls += 1
            if plain:
                return function(model, table)
            if table is not _ABSENT:
                return function(model, table, *rest, **kwargs)
            return function(*_given(model, table, rest), **kwargs)
        try:
            target = known.get(id(model))
            if target is not None:
                series = target.series
                turn = series.turn
                if turn <= 0 or ((context := current_context()) and not unremarkable(context)):
                    target = None
        except Exception as fault:
            report(_SITE, fault)
            target = None
        if target is None:
            return _call_recorded(function, method, _given(model, table, rest), kwargs)
        token = enter(True)
        working = thread_time_ns() if turn == 1 else 0
        began = perf_counter_ns()
        try:
            result = function(model, table) if plain else function(*_given(model, table, rest), **kwargs)
        except BaseException as error:
            leave(token)
            if _active is not None:
                _active.fail_unrecorded(target, began, _given(model, table, rest), kwargs, error)
            raise
        duration = perf_counter_ns() - began
        leave(token)
        try:
            series.durations.append(duration)
            if target.labelled and type(result) is ndarray and result.size == 1 and result.ndim == 1:
                series.labels.append(result.item())
            elif not (shape := result.shape if type(result) is ndarray else None):
                if _active is not None:
                    _active.count_outputs(target, _given(model, table, rest), kwargs, result)
            elif (tally := target.tally) is None:
                series.rows.append(shape[0])
            elif 0 < (size := result.nbytes) <= MOST_ASIDE and not (type_ := result.dtype).hasobject:
                series.put_aside(tally, (result.tobytes(), type_, shape[1:], getattr(model, "classes_", None)), size)
            elif _active is not None:
                _active.count_outputs(target, _given(model, table, rest), kwargs, result)
            intake = target.intake
            if intake is not None:
                if intake.skip > 0:
                    intake.skip -= 1
                elif not evaluating.get():
                    intake(_given(model, table, rest), kwargs, result, duration)
            series.turn = turn = turn - 1  # of two threads one may count for nothing: the slice is a call longer
            if turn <= 0:
                series.settle(duration, thread_time_ns() - working if working else 0)
        except Exception as fault:
            report(_SITE, fault)
        return result

    # What the interpreter learns of a function's calls it keeps with its code: one's own, or all methods' together.
    call.__code__ = call.__code__.replace()
    return functools.wraps(function)(call)


@functools.lru_cache(maxsize=256)
def instrumented(method: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of a method that finds its own by name: one for each function that has been called lately."""
    return wrapper(method, function)


def _given(model: Any, table: Any, rest: Arguments) -> Arguments:
    if table is _ABSENT:
        return () if model is _ABSENT else (model,)
    return (model, table, *rest)


def _call_recorded(function: Callable[..., Any], method: str, args: Arguments, kwargs: Keywords) -> Any:
    runtime = _active
    if runtime is None or not args:
        return function(*args, **kwargs)
    operation = runtime.start(method, args, kwargs)
    if operation is None:
        return function(*args, **kwargs)
    tasks = _watch_tasks(args[0], operation) if operation.counted else None
    token = inside.set(operation)
    attached = attach(operation.context) if operation.has_span else None
    try:
        try:
            result = function(*args, **kwargs)
        finally:
            inside.reset(token)
            if attached is not None:
                detach(attached)
            if tasks is not None:
                tasks.end()
    except BaseException as error:
        runtime.fail(operation, args, kwargs, error)
        raise
    if tasks is not None:
        tasks.complete()
    runtime.stop(operation, args, kwargs, result)
    return result


@guarded
def _watch_tasks(estimator: Any, operation: Operation) -> FitTasks | None:
    kind = _tasks_of(estimator) if _fits_anew(operation.target) else None
    if kind is None:
        return None
    tasks = kind(estimator, operation, with_spans=nested)
    tasks.begin()
    return tasks


def _tasks_of(estimator: Any) -> type[FitTasks] | None:
    attributes = getattr(estimator, "__dict__", {})
    return next((kind for kind in (Steps, Candidates) if kind.has_any(attributes)), None)


def _fits_anew(target: Target) -> bool:
    return target.operation == OperationName.FIT and target.method != "partial_fit"


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

    def tally(self, target: Target) -> Tally | None:
        """What counts results that were put aside."""
        return extract.tally(target)

    def row_count(self, args: Arguments, kwargs: Keywords) -> int | None:
        """The number of samples of the input."""
        return extract.row_count(args, kwargs)

    def feature_count(self, args: Arguments, kwargs: Keywords) -> int | None:
        """The number of features of a sample of the input."""
        return extract.feature_count(args, kwargs)

    def is_quick(self, model: Any, target: Target) -> bool:
        """Not where calls inside a call may need a span, nor where a fit has a profile to leave or tasks to report."""
        if nested or not super().is_quick(model, target):
            return False
        return not _fits_anew(target) or (self._monitors is None and _tasks_of(model) is None)

    def begin(self, target: Target, context: Context) -> Operation:
        """Begin a call, which may be one inside a call."""
        return self.telemetry.start_nested(target, context) if inside.get() else super().begin(target, context)

    def intake(self, model: Any, target: Target) -> Intake | None:
        """What takes the calls of a method that serves predictions, or learns on."""
        if self._monitors is None or _fits_anew(target):
            return None
        return self._monitors.intake(model, target.model, target.method)

    def ended(self, operation: Operation, args: Arguments, kwargs: Keywords, result: object, duration: float) -> None:
        """Show the monitors what was learned from, or what was served."""
        target = operation.target
        if operation.counted and not evaluating.get():
            if self._monitors is not None and _fits_anew(target):
                self._monitors.learned(args[0], target.model, args[1:], kwargs)
            super().ended(operation, args, kwargs, result, duration)
        if target.method == "fit":
            self.forget(args[0])  # a pipeline's steps may be others than when it was first seen

    @guarded
    def forget(self, model: Any) -> None:
        """Find out anew who an estimator is when it is called next; what it is a part of has a name of its own."""
        self._drop(id(model))
