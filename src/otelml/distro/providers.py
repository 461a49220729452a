"""SDK providers for an application that has none."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_SDK_DISABLED
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otelml._guard import guarded

_logger = logging.getLogger("otelml")

_DEFAULTS = {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    # gRPC's threads do not survive the fork of a preloading server.
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
}
_OTLP = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}


def set_environment_defaults() -> None:
    """Export every signal over OTLP unless the environment says otherwise."""
    for variable, value in _DEFAULTS.items():
        os.environ.setdefault(variable, value)


def provide() -> None:
    """Set up the provider of every signal for which the application has none, exporting as the `OTEL_*` variables say."""
    if os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true":
        return
    # The application's provider may be set by its own code, before us; one that was not set is a proxy.
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        _provide("traces", OTEL_TRACES_EXPORTER, _provide_traces)
    if type(metrics.get_meter_provider()).__name__ == "_ProxyMeterProvider":
        _provide("metrics", OTEL_METRICS_EXPORTER, _provide_metrics)
    if type(get_logger_provider()).__name__ == "ProxyLoggerProvider":
        _provide("logs", OTEL_LOGS_EXPORTER, _provide_logs)


def _provide(signal: str, variable: str, set_provider: Callable[[list[Any]], None]) -> None:
    names = [name.strip() for name in os.environ.get(variable, _DEFAULTS[variable]).split(",") if name.strip()]
    exporters = [made for name in names if name != "none" and (made := _exporter(signal, name)) is not None]
    if exporters:
        set_provider(exporters)


@guarded
def _exporter(signal: str, name: str) -> Any:
    if name == "otlp":
        name = _otlp(signal)
    for entry_point in entry_points(group=f"opentelemetry_{signal}_exporter", name=name):
        return entry_point.load()()
    _logger.error("No exporter %r for %s is installed; they are not exported.", name, signal)
    return None


def _otlp(signal: str) -> str:
    variables = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", OTEL_EXPORTER_OTLP_PROTOCOL)
    chosen = next((value for variable in variables if (value := os.environ.get(variable, "").strip())), None)
    if chosen is not None and chosen not in _OTLP:
        _logger.error("The OTLP protocol %r is not supported (%s); http/protobuf is used.", chosen, ", ".join(_OTLP))
    return _OTLP.get(chosen or "", _OTLP["http/protobuf"])


def _provide_traces(exporters: list[Any]) -> None:
    provider = TracerProvider(resource=Resource.create())
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def _provide_metrics(exporters: list[Any]) -> None:
    readers = [
        exporter if isinstance(exporter, MetricReader) else PeriodicExportingMetricReader(exporter)
        for exporter in exporters
    ]
    metrics.set_meter_provider(MeterProvider(readers, resource=Resource.create()))


def _provide_logs(exporters: list[Any]) -> None:
    provider = LoggerProvider(resource=Resource.create())
    for exporter in exporters:
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    set_logger_provider(provider)
