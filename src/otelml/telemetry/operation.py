"""The life of one call: started, then recorded or failed, and closed."""

from __future__ import annotations

from time import perf_counter, perf_counter_ns, time_ns
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from otelml._guard import guarded
from otelml.observations import Outputs
from otelml.semconv import attributes as names
from otelml.telemetry.collection import task_attributes
from otelml.telemetry.errors import error_type
from otelml.telemetry.series import Attributes, Target

if TYPE_CHECKING:
    from otelml.telemetry.handler import Telemetry


class Operation:
    """One call of a model. Every method that does work is contained: none raises into the host.

    Attributes:
        context: the context of the host's call, with the call's span where one was opened.
        counted: whether the call counts; a call inside a call does not.
        has_span: whether a span was opened before the call.
        inner_calls: how many calls inside this one were passed on.
        target: what the call is reported as.
        wants_span: whether the caller shall open a span before the host's call.
    """

    __slots__ = (
        "_began",
        "_ended",
        "_extra",
        "_span",
        "_span_cost",
        "_started",
        "_telemetry",
        "_wants_duration",
        "context",
        "counted",
        "has_span",
        "inner_calls",
        "target",
        "wants_span",
    )

    def __init__(
        self,
        telemetry: Telemetry,
        target: Target,
        context: Context,
        extra: Attributes | None,
        *,
        wants_span: bool,
        wants_duration: bool,
        counted: bool = True,
        started: int | None = None,
    ) -> None:
        self._telemetry = telemetry
        self.target = target
        self.context = context
        self._extra = extra
        self.wants_span = wants_span
        self._wants_duration = wants_duration
        self.counted = counted
        self.has_span = False
        self.inner_calls = 0
        self._span: Span | None = None
        self._span_cost = 0.0
        self._ended = 0.0
        self._began = perf_counter()
        self._started = perf_counter_ns() if started is None else started

    @guarded
    def open_span(self, rows: int | None, features: int | None) -> None:
        """Start the call's span; the caller makes `context` current for the time of the host's call.

        Args:
            rows: number of samples in the input, if known.
            features: number of features per sample, if known.
        """
        family = self.target.series.family
        attributes = dict(self.target.span_attributes)
        if rows is not None:
            attributes[family.rows] = rows
        if features is not None and family.features is not None:
            attributes[family.features] = features
        if self._extra:
            attributes.update(self._extra)
        self._span = self._telemetry.tracer.start_span(
            self.target.span_name, self.context, SpanKind.INTERNAL, attributes
        )
        self.context = set_span_in_context(self._span, self.context)
        self.has_span = True
        self._span_cost = perf_counter() - self._began
        self._started = perf_counter_ns()

    @guarded
    def describe(self, attributes: Attributes) -> None:
        """Tell more of the call on its span, where it has one, right before the host's call."""
        if self._span is not None:
            self._span.set_attributes(attributes)
            # What it took to find them out is a cost of the span, and no time of the call.
            self._span_cost = perf_counter() - self._began
            self._started = perf_counter_ns()

    @guarded
    def task_span(self, type_: str, name: str | None, began: int) -> None:
        """Record the span of a task inside the call that has just ended, where the call has a span.

        Args:
            type_: a value of `ml.training.task.type`.
            name: the task's name, if it has one.
            began: when it began, in ns since the epoch.
        """
        if self._span is not None:
            attributes = {**self.target.series.attributes, **task_attributes(type_, name)}
            tracer = self._telemetry.tracer
            tracer.start_span(
                self.target.span_name, self.context, SpanKind.INTERNAL, attributes, start_time=began
            ).end()

    def elapsed(self) -> float:
        """Seconds since the host's call began."""
        self._ended = perf_counter()
        return (perf_counter_ns() - self._started) * 1e-9

    @guarded
    def record(self, duration: float, outputs: Outputs) -> None:
        """Count a call that returned.

        Args:
            duration: seconds.
            outputs: what was counted of the result.
        """
        if self.counted:
            self.target.series.add(duration)
            self.target.series.add_outputs(outputs)
            self.target.series.budget.contained(self.inner_calls)
        if self._wants_duration:
            self.target.series.record_duration(duration, self.target.series.attributes, self.context)
        if outputs.score is not None and self._span is not None:
            self._telemetry.emit_score(self.target, outputs.score, outputs.rows, self.context)

    @guarded
    def fail(self, duration: float, error: BaseException) -> None:
        """Count a call that raised; it gets a span even where none was opened before the call.

        Args:
            duration: seconds.
            error: the host's exception.
        """
        failed = {names.ERROR_TYPE: error_type(error)}
        if self.counted:
            self.target.series.add_error(duration, failed[names.ERROR_TYPE])
            if self._span is None and self._telemetry.traces(self.context):
                self._open_span_late(duration)
        if self._span is not None:
            self._span.set_attributes(failed)
            self._span.set_status(Status(StatusCode.ERROR))
        if self.counted:
            self.target.series.record_duration(duration, {**self.target.series.attributes, **failed}, self.context)
            self._telemetry.emit_exception(self.target, error, self.context)

    @guarded
    def close(self) -> None:
        """End the span, if there is one."""
        if self._span is not None:
            self._span.end()
            self._span = None
            if self.has_span:
                self.target.series.budget.spent_on_span(self._span_cost + perf_counter() - self._ended)

    def _open_span_late(self, duration: float) -> None:
        attributes = {**self.target.span_attributes, **(self._extra or {})}
        start = time_ns() - int(duration * 1e9)
        self._span = self._telemetry.tracer.start_span(
            self.target.span_name, self.context, SpanKind.INTERNAL, attributes, start_time=start
        )
        self.context = set_span_in_context(self._span, self.context)
