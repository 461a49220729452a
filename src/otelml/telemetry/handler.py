"""The door to telemetry for an instrumentation: starts operations, holds the instruments and the series behind them."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping

from opentelemetry._logs import Logger, LoggerProvider, LogRecord, SeverityNumber, get_logger
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, MeterProvider, get_meter, get_meter_provider
from opentelemetry.trace import (
    Tracer,
    TracerProvider,
    get_current_span,
    get_tracer,
)
from opentelemetry.util.types import AttributeValue

from otelml._forks import call_in_children
from otelml._guard import guarded
from otelml._version import __version__
from otelml.observations import Call, ModelIdentity, Observer
from otelml.semconv import SCHEMA_URL, events
from otelml.semconv import attributes as names
from otelml.settings import Settings
from otelml.telemetry import collection, errors
from otelml.telemetry.context import attributes_in
from otelml.telemetry.families import FAMILIES, Family
from otelml.telemetry.labels import OTHER, Distinct, text
from otelml.telemetry.operation import Operation
from otelml.telemetry.series import Attributes, Series, Target


class Telemetry:
    """What one instrumentation emits through.

    Attributes:
        tracer: starts the spans.
        providers: of spans, metrics and events, as they were given.
        observers: who is told of every outermost call.
    """

    def __init__(
        self,
        scope: str,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
    ) -> None:
        """Make the scope's tracer, meter and logger.

        Args:
            scope: the name of the instrumentation scope.
            tracer_provider: where spans go; the global provider by default, also when the application sets it later.
            meter_provider: likewise for metrics.
            logger_provider: likewise for events.
        """
        self.providers = (tracer_provider, meter_provider, logger_provider)
        self.tracer: Tracer = get_tracer(scope, __version__, tracer_provider, SCHEMA_URL)
        self._logger: Logger = get_logger(scope, __version__, logger_provider, SCHEMA_URL)
        meter = get_meter(scope, __version__, meter_provider, SCHEMA_URL)
        self._durations: dict[Family, Histogram] = {
            family: family.duration.create(meter) for family in set(FAMILIES.values())
        }
        self.observers: tuple[Observer, ...] = ()
        self._series: dict[Hashable, Series] = {}
        self.configure(Settings())
        collection.register(meter, self)
        collection.register_faults(meter, meter_provider or get_meter_provider())
        call_in_children(self._reset_in_child)

    def configure(self, settings: Settings) -> None:
        """Put settings in force, for the series there are as well."""
        self._settings = settings
        self._models = Distinct(settings.max_models)
        self._values = {key: Distinct() for key in settings.metric_attributes}
        for series in self.all_series():
            series.configure(settings.overhead_budget, settings.max_classes)

    def all_series(self) -> list[Series]:
        """The series there are now, all calls that have ended counted."""
        found = list(self._series.values())
        for series in found:
            series.count_slice()
        return found

    def target(
        self, model: ModelIdentity, operation: str, method: str, function: str, extra: Attributes, *, labelled: bool
    ) -> Target:
        """What calls of a model's method are reported as.

        Args:
            model: who is called.
            operation: a value of `ml.operation.name`.
            method: the method, as the library names it.
            function: the fully qualified name of the function.
            extra: attributes of the context that go on metrics, from `metric_context`.
            labelled: whether the result is a class for each row.
        """
        if not self._models.admits((model.name, model.version)):
            model = dataclasses.replace(model, name=OTHER, version=None)
        operating = {
            names.ML_OPERATION_NAME: operation,
            names.ML_OPERATION_METHOD: method,
            names.ML_SYSTEM_NAME: model.system,
            names.ML_MODEL_NAME: model.name,
            names.ML_MODEL_VERSION: model.version,
        }
        span_attributes = {
            **operating,
            names.ML_MODEL_ID: model.id,
            names.ML_MODEL_TASK: model.task,
            names.ML_MODEL_ARCHITECTURE: model.architecture,
            names.ML_SYSTEM_VERSION: model.system_version,
            names.CODE_FUNCTION_NAME: function,
        }
        series = self._series_for(FAMILIES[operation], _set({**extra, **operating}))
        return Target(model, operation, method, series, labelled, f"{operation} {model.name}", _set(span_attributes))

    def metric_context(self, context: Context) -> Attributes:
        """The attributes given by the application in this context that the settings allow on metrics."""
        given = attributes_in(context) if self._values else None
        if not given:
            return {}
        return {key: self._bounded(key, given[key]) for key in self._values if key in given}

    def _bounded(self, key: str, value: object) -> str:
        admitted = self._values[key].admits(text(value))
        return text(value) if admitted else OTHER

    def start(self, target: Target, context: Context) -> Operation:
        """Begin a call; where the operation then wants a span, the caller opens it before the host's call.

        A call inside a recording span always gets one; a call outside any span gets one within the overhead budget.
        """
        wants_duration, wants_span = target.series.begin()
        extra = None
        if context:
            extra = attributes_in(context)
            if get_current_span(context).get_span_context().is_valid:
                wants_span = self.traces(context)
        return Operation(self, target, context, extra, wants_span=wants_span, wants_duration=wants_duration)

    def resume(self, target: Target, context: Context, started: int) -> Operation:
        """Take up a call that was begun with nothing to be recorded of it, and turned out to raise.

        Args:
            target: what the call is reported as.
            context: the context of the call.
            started: when the host's call began, by `perf_counter_ns`.
        """
        extra = attributes_in(context)
        return Operation(self, target, context, extra, wants_span=False, wants_duration=True, started=started)

    def start_nested(self, target: Target, context: Context) -> Operation:
        """Begin a call inside a call: it gets a span if the outer one has one, and is not counted."""
        wants_span = get_current_span(context).get_span_context().is_valid and self.traces(context)
        return Operation(
            self, target, context, attributes_in(context), wants_span=wants_span, wants_duration=False, counted=False
        )

    def traces(self, context: Context) -> bool:
        """Whether a span started in this context can be recorded: not below a span that was sampled out."""
        parent = get_current_span(context)
        above = parent.get_span_context()
        return not above.is_valid or parent.is_recording() or (above.is_remote and above.trace_flags.sampled)

    def observe(self, call: Call) -> None:
        """Tell the observers of a call."""
        for observer in self.observers:
            _tell(observer, call)

    def emit_exception(self, target: Target, error: BaseException, context: Context) -> None:
        """Emit the event of an exception that ended a call."""
        about = _about(target, context, names.ML_OPERATION_NAME, names.ML_SYSTEM_NAME, names.ML_MODEL_NAME)
        errors.emit_exception(self._logger, error, about, context, messages=self._settings.exception_messages)

    def emit_score(self, target: Target, score: tuple[str, float], rows: int | None, context: Context) -> None:
        """Emit the event of an evaluation's result."""
        attributes = _about(target, context, names.ML_MODEL_NAME, names.ML_MODEL_VERSION)
        attributes[names.ML_EVALUATION_NAME], attributes[names.ML_EVALUATION_SCORE_VALUE] = score
        if rows is not None:
            attributes[names.ML_EVALUATION_SAMPLE_COUNT] = rows
        event = events.ML_EVALUATION_RESULT
        self._logger.emit(
            LogRecord(
                event_name=event.name,
                severity_number=SeverityNumber(event.severity_number),
                attributes=attributes,
                context=context,
            )
        )

    def _series_for(self, family: Family, attributes: Attributes) -> Series:
        key = (family.calls.name, *attributes.items())
        series = self._series.get(key)
        if series is None:
            series = Series(family, attributes, self._durations[family])
            series.configure(self._settings.overhead_budget, self._settings.max_classes)
            # Another thread may have been quicker; every caller must count in the same one.
            series = self._series.setdefault(key, series)
        return series

    def _reset_in_child(self) -> None:
        # Not `all_series`, which counts first: a thread that the child lacks may have held a lock.
        for series in self._series.values():
            series.reset()


def _set(attributes: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if value is not None}


def _about(target: Target, context: Context, *wanted: str) -> dict[str, AttributeValue]:
    known = {name: target.span_attributes[name] for name in wanted if name in target.span_attributes}
    return {**known, **(attributes_in(context) or {})}


@guarded
def _tell(observer: Observer, call: Call) -> None:
    observer.observe(call)
