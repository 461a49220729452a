"""What hooks of model libraries share: the models they know, and a call of which something is recorded."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from opentelemetry.context import _RUNTIME_CONTEXT, _SUPPRESS_INSTRUMENTATION_KEY, Context, get_current
from opentelemetry.util.types import AttributeValue

from otelml._guard import guarded
from otelml.observations import Call, Intake, ModelIdentity, Outputs, profile
from otelml.telemetry import Operation, Target, Telemetry
from otelml.telemetry.series import Tally

Arguments = tuple[Any, ...]
"""The positional arguments of the host's call, the model first."""

Keywords = Mapping[str, Any]

# `get_current()` without its two Python frames, a tenth of what a call of which nothing is recorded costs.
_variable = getattr(_RUNTIME_CONTEXT, "_current_context", None)
current_context = _variable.get if isinstance(_variable, ContextVar) else get_current


class _Known(NamedTuple):
    """A model that has been called."""

    model: weakref.ref[Any]
    targets: dict[tuple[object, ...], Target]


class ModelCalls(ABC):
    """The state of a hook: its telemetry, and the models it knows.

    Attributes:
        operations: the operation, a value of `ml.operation.name`, by method.
        telemetry: where everything goes.
        targets: by method and the id of a living model, what those of its calls are reported as that need nothing
            recorded. Nothing is written on the model, and nothing keeps it alive.
    """

    operations: ClassVar[Mapping[str, str]]

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self.targets: dict[str, dict[int, Target]] = {method: {} for method in self.operations}
        self._known: dict[int, _Known] = {}
        profile.on_change(self.forget)

    @abstractmethod
    def identity(self, model: Any) -> ModelIdentity:
        """Who a model is."""

    @abstractmethod
    def labelled(self, identity: ModelIdentity, method: str) -> bool:
        """Whether what a method returns are predictions that shall be counted."""

    @abstractmethod
    def outputs(self, target: Target, args: Arguments, kwargs: Keywords, result: object) -> Outputs | None:
        """What a call returned, counted; contained."""

    @abstractmethod
    def row_count(self, args: Arguments, kwargs: Keywords) -> int | None:
        """The number of samples of the input, where it tells; contained."""

    def feature_count(self, args: Arguments, kwargs: Keywords) -> int | None:
        """The number of features of a sample of the input, where it tells; contained."""
        return None

    def input_attributes(self, args: Arguments, kwargs: Keywords) -> Mapping[str, AttributeValue] | None:
        """What else the call's span tells of the input; contained."""
        return None

    def intake(self, model: Any, target: Target) -> Intake | None:
        """What takes the calls for the monitors; contained."""
        return None

    def tally(self, target: Target) -> Tally | None:
        """What counts the results of a target's calls that were put aside; None where only rows are counted."""
        return None

    def is_quick(self, model: Any, target: Target) -> bool:
        """Whether calls may be told by `targets` alone that nothing of them is to be recorded."""
        return not self.telemetry.observers

    def begin(self, target: Target, context: Context) -> Operation:
        """Begin a call."""
        return self.telemetry.start(target, context)

    def ended(self, operation: Operation, args: Arguments, kwargs: Keywords, result: object, duration: float) -> None:
        """What else is to be done when a call has returned and is recorded."""
        if operation.target.intake is not None:
            operation.target.intake(args, kwargs, result, int(duration * 1e9))

    @guarded
    def start(self, method: str, args: Arguments, kwargs: Keywords) -> Operation | None:
        """Begin a call; None when instrumentation is suppressed."""
        context = get_current()
        if context.get(_SUPPRESS_INSTRUMENTATION_KEY):
            return None
        operation = self.begin(self._target(args[0], method, context), context)
        if operation.wants_span:
            operation.open_span(self.row_count(args, kwargs), self.feature_count(args, kwargs))
            described = self.input_attributes(args, kwargs)
            if described:
                operation.describe(described)
        return operation

    @guarded
    def stop(self, operation: Operation, args: Arguments, kwargs: Keywords, result: object) -> None:
        """End a call that returned."""
        try:
            duration = operation.elapsed()
            outputs = self.outputs(operation.target, args, kwargs, result) or Outputs()
            operation.record(duration, outputs)
            self._observe(operation, args, kwargs, duration, result=result, outputs=outputs)
            self._ended(operation, args, kwargs, result, duration)
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
        outputs = self.outputs(target, args, kwargs, result)
        if outputs is not None:
            target.series.add_outputs(outputs)

    @guarded
    def forget(self, _model: object) -> None:
        """Find out anew who the models are: what was said of one may be about those that wrap it."""
        self._known.clear()
        for targets in self.targets.values():
            targets.clear()

    @guarded
    def _drop(self, key: int) -> None:
        self._known.pop(key, None)
        for targets in self.targets.values():
            targets.pop(key, None)

    def _target(self, model: Any, method: str, context: Context) -> Target:
        key = id(model)
        known = self._known.get(key)
        if known is None:
            # The entry goes before the model's memory, and with it the id, can be used again.
            known = self._known[key] = _Known(weakref.ref(model, lambda _gone: self._drop(key)), {})
        extra = self.telemetry.metric_context(context)
        variant = (method, *extra.items())
        target = known.targets.get(variant)
        if target is None:
            cls = type(model)
            function = f"{cls.__module__}.{cls.__qualname__}.{method}"
            identity = self.identity(model)
            labelled = self.labelled(identity, method)
            operation = self.operations[method]
            target = self.telemetry.target(identity, operation, method, function, extra, labelled=labelled)
            target = replace(target, intake=self._intake(model, target), tally=self.tally(target))
            known.targets[variant] = target
            if self.is_quick(model, target) and not extra:
                self.targets[method][key] = target
        return target

    @guarded
    def _ended(self, operation: Operation, args: Arguments, kwargs: Keywords, result: object, duration: float) -> None:
        self.ended(operation, args, kwargs, result, duration)

    @guarded
    def _intake(self, model: Any, target: Target) -> Intake | None:
        return self.intake(model, target)

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
        counted = outputs or Outputs()
        call = Call(target.model, target.operation, target.method, args[1:], kwargs, result, counted, duration, error)
        self.telemetry.observe(call)
