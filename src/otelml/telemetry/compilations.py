"""Metrics and events of compilations of models. They are rare and long, so each is recorded as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentelemetry._logs import Logger, LogRecord, SeverityNumber, get_logger
from opentelemetry.metrics import get_meter

from otelml._version import __version__
from otelml.observations.compilations import Compilation
from otelml.semconv import SCHEMA_URL, events, metrics
from otelml.semconv import attributes as names
from otelml.semconv.events import Event
from otelml.telemetry.handler import Telemetry
from otelml.telemetry.labels import OTHER, Distinct
from otelml.telemetry.series import Attributes

_MAX_REASON = 1_024


class Compilations:
    """Where the compilations of one library go."""

    def __init__(self, scope: str, telemetry: Telemetry) -> None:
        """Make the instruments.

        Args:
            scope: the name of the instrumentation scope.
            telemetry: whose providers are used.
        """
        _, meter_provider, logger_provider = telemetry.providers
        meter = get_meter(scope, __version__, meter_provider, SCHEMA_URL)
        self._logger: Logger = get_logger(scope, __version__, logger_provider, SCHEMA_URL)
        self._duration = metrics.ML_COMPILE_DURATION.create(meter)
        self._recompiles = metrics.ML_COMPILE_RECOMPILES.create(meter)
        self._graph_breaks = metrics.ML_COMPILE_GRAPH_BREAKS.create(meter)
        self._reasons = Distinct()

    def record(self, compilation: Compilation) -> None:
        """Record one compilation that has ended."""
        model = self._model(compilation)
        about: dict[str, str] = {**model, names.ML_COMPILE_PASS: compilation.of_pass}
        if compilation.error_type is not None:
            about[names.ERROR_TYPE] = compilation.error_type
        self._duration.record(compilation.duration, about)
        told: dict[str, str | float | int] = {**about, names.ML_COMPILE_DURATION: compilation.duration}
        told |= _where(compilation)
        if compilation.operations is not None:
            told[names.ML_COMPILE_GRAPH_OPERATION_COUNT] = compilation.operations
        if compilation.recompile_cause is not None:
            cause = {names.ML_COMPILE_RECOMPILE_CAUSE: compilation.recompile_cause}
            self._recompiles.add(1, {**model, **cause})
            told |= cause
            if compilation.recompile_reason:
                told[names.ML_COMPILE_RECOMPILE_REASON] = compilation.recompile_reason[:_MAX_REASON]
        repeated = compilation.recompile_cause is not None or compilation.error_type is not None
        self._emit(events.ML_COMPILE_RESULT, told, SeverityNumber.WARN if repeated else None)
        self._record_breaks(compilation, model, compilation.graph_breaks)

    def _record_breaks(self, compilation: Compilation, model: Mapping[str, str], reasons: Iterable[str]) -> None:
        for reason in reasons:
            bounded = reason if self._reasons.admits(reason) else OTHER
            self._graph_breaks.add(1, {**model, names.ML_COMPILE_GRAPH_BREAK_REASON: bounded})
            told = {**model, names.ML_COMPILE_GRAPH_BREAK_REASON: reason, **_where(compilation)}
            self._emit(events.ML_COMPILE_GRAPH_BREAK, told)

    @staticmethod
    def _model(compilation: Compilation) -> dict[str, str]:
        known = {
            names.ML_SYSTEM_NAME: compilation.system,
            names.ML_MODEL_NAME: compilation.model.name if compilation.model else None,
            names.ML_MODEL_VERSION: compilation.model.version if compilation.model else None,
        }
        return {name: value for name, value in known.items() if value is not None}

    def _emit(self, event: Event, attributes: Attributes, severity: SeverityNumber | None = None) -> None:
        # In the current context: a request that waits for a compilation shows it in its trace.
        record = LogRecord(
            event_name=event.name,
            severity_number=severity or SeverityNumber(event.severity_number),
            attributes=attributes,
        )
        self._logger.emit(record)


def _where(compilation: Compilation) -> dict[str, str]:
    found = {names.ML_COMPILE_ID: compilation.id, names.CODE_FUNCTION_NAME: compilation.function}
    return {name: value for name, value in found.items() if value is not None}
