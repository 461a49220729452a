"""Telemetry made by hand with the SDK, right or with a fault, for tests of what reads it."""

from __future__ import annotations

from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, StatusCode

from otelml.semconv import SCHEMA_URL
from otelml.semconv import attributes as names
from otelml.semconv.events import ML_OPERATION_EXCEPTION
from otelml.semconv.metrics import (
    ML_INFERENCE_ACTIVE,
    ML_INFERENCE_CALLS,
    ML_INFERENCE_DURATION,
    ML_TELEMETRY_RECORDED,
    Metric,
)
from tests.support.telemetry import Telemetry

SCOPE = "otelml.tests"

CALL: dict[str, Any] = {
    names.ML_OPERATION_NAME: names.OperationName.PREDICT,
    names.ML_OPERATION_METHOD: "predict",
    names.ML_SYSTEM_NAME: names.SystemName.SCIKIT_LEARN,
    names.ML_MODEL_NAME: "churn",
    names.ML_MODEL_VERSION: "3",
}
TASK = {
    **CALL,
    names.ML_OPERATION_NAME: names.OperationName.FIT,
    names.ML_OPERATION_METHOD: "fit",
    names.ML_TRAINING_TASK_TYPE: names.TrainingTaskType.STEP,
    names.ML_TRAINING_TASK_NAME: "scaler",
}
CALL_POINT = {**CALL, names.ERROR_TYPE: "ValueError", names.ML_INFERENCE_MODE: names.InferenceMode.ONLINE}
EXCEPTION = {
    **CALL,
    names.EXCEPTION_TYPE: "ValueError",
    names.EXCEPTION_MESSAGE: "no",
    names.EXCEPTION_STACKTRACE: "...",
}


def without(attributes: dict[str, Any], *absent: str) -> dict[str, Any]:
    """The attributes but these."""
    return {name: value for name, value in attributes.items() if name not in absent}


def emit_span(
    telemetry: Telemetry,
    attributes: dict[str, Any] | None = None,
    *,
    name: str = "fit churn",
    kind: SpanKind = SpanKind.INTERNAL,
    status: StatusCode | None = None,
    scope: str = SCOPE,
    schema_url: str = SCHEMA_URL,
    event: str | None = None,
) -> None:
    """Emit a span, by default one of a training task, with all its attributes."""
    tracer = telemetry.tracer_provider.get_tracer(scope, schema_url=schema_url)
    with tracer.start_as_current_span(name, kind=kind, attributes=TASK if attributes is None else attributes) as span:
        if status is not None:
            span.set_status(status)
        if event is not None:
            span.add_event(event)


def count_call(
    telemetry: Telemetry,
    attributes: dict[str, Any] | None = None,
    *,
    metric: Metric = ML_INFERENCE_CALLS,
    scope: str = SCOPE,
) -> None:
    """Count a call that failed, by default with all attributes but the rollout's."""
    meter = telemetry.meter_provider.get_meter(scope, schema_url=SCHEMA_URL)
    meter.create_counter(metric.name, metric.unit).add(1, CALL_POINT if attributes is None else attributes)


def record_duration(telemetry: Telemetry, attributes: dict[str, Any] | None = None) -> None:
    """Record the duration of a call that failed."""
    metric = ML_INFERENCE_DURATION
    histogram = _meter(telemetry).create_histogram(metric.name, metric.unit)
    histogram.record(0.01, CALL_POINT if attributes is None else attributes)


def set_recorded_share(telemetry: Telemetry) -> None:
    """Set the share of recorded durations."""
    gauge = _meter(telemetry).create_gauge(ML_TELEMETRY_RECORDED.name, ML_TELEMETRY_RECORDED.unit)
    served = {
        names.ML_INFERENCE_MODE: names.InferenceMode.ONLINE,
        names.ML_ROLLOUT_VARIANT: names.RolloutVariant.CANDIDATE,
    }
    gauge.set(0.5, {**CALL, **served, names.ML_TELEMETRY_SIGNAL: names.TelemetrySignal.DURATION})


def add_active(telemetry: Telemetry) -> None:
    """Say that one more call is in progress."""
    metric = ML_INFERENCE_ACTIVE
    _meter(telemetry).create_up_down_counter(metric.name, metric.unit).add(1, CALL)


def _meter(telemetry: Telemetry) -> Meter:
    return telemetry.meter_provider.get_meter(SCOPE, schema_url=SCHEMA_URL)


def emit_event(
    telemetry: Telemetry,
    attributes: dict[str, Any] | None = None,
    *,
    name: str | None = ML_OPERATION_EXCEPTION.name,
    severity: SeverityNumber = SeverityNumber.WARN,
    scope: str = SCOPE,
) -> None:
    """Emit an event, by default that of an exception, with all its attributes."""
    telemetry.logger_provider.get_logger(scope, schema_url=SCHEMA_URL).emit(
        LogRecord(event_name=name, severity_number=severity, attributes=EXCEPTION if attributes is None else attributes)
    )
