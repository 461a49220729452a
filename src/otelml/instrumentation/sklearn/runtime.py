"""What a wrapped method does: the host's call, with telemetry before and after it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context, get_current

from otelml._guard import guarded
from otelml.instrumentation.sklearn import extract
from otelml.instrumentation.sklearn.identity import identity
from otelml.instrumentation.sklearn.methods import METHODS
from otelml.observations import PROFILE_ATTRIBUTE, Call, Outputs
from otelml.telemetry import Operation, Target, Telemetry

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]

inside: ContextVar[bool] = ContextVar("otelml_sklearn_inside", default=False)
"""Whether this context is inside an instrumented call: only the outermost one counts."""

_active: Runtime | None = None


def activate(telemetry: Telemetry, *, nested: bool) -> None:
    """Switch the wrapped methods on."""
    global _active
    _active = Runtime(telemetry, nested=nested)


def deactivate() -> None:
    """Make the wrapped methods inert."""
    global _active
    _active = None


def is_active() -> bool:
    """Whether the wrapped methods are on."""
    return _active is not None


def call(function: Callable[..., Any], method: str, estimator: Any, args: Arguments, kwargs: Keywords) -> Any:
    """Call the host's method; its result is returned untouched, its exception raised untouched."""
    runtime = _active
    if runtime is None or (inside.get() and not runtime.nested):
        return function(estimator, *args, **kwargs)
    operation = runtime.start(method, estimator, args, kwargs)
    if operation is None:
        return function(estimator, *args, **kwargs)
    token = inside.set(True)
    try:
        result = function(estimator, *args, **kwargs)
    except BaseException as error:
        inside.reset(token)
        runtime.fail(operation, args, kwargs, error)
        raise
    inside.reset(token)
    runtime.stop(operation, estimator, args, kwargs, result)
    return result


class _Known:
    """What is kept about an estimator while it lives: no reference that would keep it alive, nothing written on it."""

    __slots__ = ("estimator", "profile", "targets")

    def __init__(self, estimator: weakref.ref[Any], profile: object) -> None:
        self.estimator = estimator
        self.profile = profile
        self.targets: dict[object, Target] = {}


class Runtime:
    """The state of the hook: its telemetry, and the estimators it knows.

    Attributes:
        nested: whether calls inside a call get spans.
    """

    def __init__(self, telemetry: Telemetry, *, nested: bool) -> None:
        self.nested = nested
        self._telemetry = telemetry
        self._known: dict[int, _Known] = {}

    @guarded
    def start(self, method: str, estimator: Any, args: Arguments, kwargs: Keywords) -> Operation | None:
        """Begin a call; None when instrumentation is suppressed."""
        context = get_current()
        if context and context.get(_SUPPRESS_INSTRUMENTATION_KEY):
            return None
        target = self._target(estimator, method, context)
        if inside.get():
            operation = self._telemetry.start_nested(target, context)
        else:
            operation = self._telemetry.start(target, context)
        if operation.wants_span:
            operation.open_span(extract.row_count(args, kwargs), extract.feature_count(args, kwargs))
        return operation

    @guarded
    def stop(self, operation: Operation, estimator: Any, args: Arguments, kwargs: Keywords, result: object) -> None:
        """End a call that returned."""
        try:
            duration = operation.elapsed()
            target = operation.target
            outputs = extract.outputs(estimator, target.model.task, target.method, args, kwargs, result) or Outputs()
            operation.record(duration, outputs)
            self._observe(operation, args, kwargs, duration, result=result, outputs=outputs)
            if target.method == "fit":
                self._known.pop(id(estimator), None)  # a pipeline's steps may be others than when it was first seen
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
        if not self._telemetry.observers or not operation.counted:
            return
        target = operation.target
        call = Call(
            target.model, target.operation, target.method, args, kwargs, result, outputs or Outputs(), duration, error
        )
        self._telemetry.observe(call)

    def _target(self, estimator: Any, method: str, context: Context) -> Target:
        known = self._known.get(id(estimator))
        # `describe` replaces the profile, so another profile means another identity.
        profile = estimator.__dict__.get(PROFILE_ATTRIBUTE)
        if known is None or known.estimator() is not estimator or known.profile is not profile:
            known = self._remember(estimator, profile)
        extra = self._telemetry.metric_context(context)
        key = (method, *extra.items()) if extra else method
        target = known.targets.get(key)
        if target is None:
            cls = type(estimator)
            function = f"{cls.__module__}.{cls.__qualname__}.{method}"
            target = self._telemetry.target(identity(estimator), METHODS[method], method, function, extra)
            known.targets[key] = target
        return target

    def _remember(self, estimator: Any, profile: object) -> _Known:
        known_estimators = self._known
        key = id(estimator)

        def forget(gone: weakref.ref[Any]) -> None:
            known = known_estimators.get(key)
            if known is not None and known.estimator is gone:
                del known_estimators[key]

        known = known_estimators[key] = _Known(weakref.ref(estimator, forget), profile)
        return known
