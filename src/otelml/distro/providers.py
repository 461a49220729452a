"""SDK providers for an application that has none."""

from __future__ import annotations

import atexit
import functools
import logging
import os
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any, NamedTuple

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.environment_variables import (
    OTEL_LOGS_EXPORTER,
    OTEL_METRICS_EXPORTER,
    OTEL_PYTHON_ID_GENERATOR,
    OTEL_TRACES_EXPORTER,
)
from opentelemetry.sdk import _configuration
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult
from opentelemetry.sdk.environment_variables import OTEL_CONFIG_FILE, OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_SDK_DISABLED
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.util._importlib_metadata import entry_points

from otelml._guard import guarded
from otelml.distro.children import flush_in_children, start_clean_in_children
from otelml.distro.exporters import SupervisedExporter, prepare_exit
from otelml.distro.job import job_attributes
from otelml.distro.own_random import OwnIdGenerator, let_exporters_draw_their_own

_logger = logging.getLogger("otelml")

# HTTP unless the environment says otherwise: gRPC's threads do not survive the fork of a preloading server.
_OTLP = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}


class _Signal(NamedTuple):
    name: str
    exporters: str
    is_missing: Callable[[], bool]
    provide: Callable[[list[Any]], Any]
    failure: object


def provide() -> None:
    """Set up a provider for every signal for which the application has none, exporting as the variables say."""
    if os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true":
        return
    missing = [signal for signal in _SIGNALS if signal.is_missing()]
    if os.environ.get(OTEL_CONFIG_FILE) and len(missing) == len(_SIGNALS):
        _configure_from_file()
        return
    made = [provider for signal in missing if (provider := _provide(signal)) is not None]
    if made:
        # Registered after the providers' own, so it runs before them.
        atexit.register(prepare_exit)
        flush_in_children(made)


@guarded
def _configure_from_file() -> None:
    configurator: Any = _configuration._OTelSDKConfigurator
    configurator().configure()


@guarded
def _provide(signal: _Signal) -> Any:
    names = os.environ.get(signal.exporters, "").strip() or "otlp"
    exporters = [_exporter(signal, name.strip()) for name in names.split(",") if name.strip() not in ("", "none")]
    usable = [exporter for exporter in exporters if exporter is not None]
    return signal.provide(usable) if usable else None


@guarded
def _exporter(signal: _Signal, name: str) -> Any:
    group = f"opentelemetry_{signal.name}_exporter"
    if name == "otlp":
        name = _otlp(signal.name)
    found = next(iter(entry_points(group=group, name=name)), None)
    if found is None:
        known = ", ".join(sorted(point.name for point in entry_points(group=group)))
        _logger.error(
            "%s=%s: no such exporter is installed (there are: none, otlp, %s); %s are not exported to it.",
            signal.exporters,
            name,
            known,
            signal.name,
        )
        return None
    return _supervised(signal, found) if name in _OTLP.values() else found.load()()


def _supervised(signal: _Signal, found: EntryPoint) -> SupervisedExporter:
    exporter = found.load()
    let_exporters_draw_their_own()
    return SupervisedExporter(signal.name, lambda timeout: exporter(timeout=timeout), signal.failure)


def _otlp(signal: str) -> str:
    variables = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", OTEL_EXPORTER_OTLP_PROTOCOL)
    chosen = next((value for variable in variables if (value := os.environ.get(variable, "").strip())), "http/protobuf")
    if chosen not in _OTLP:
        _refuse_protocol(chosen)
    return _OTLP.get(chosen, _OTLP["http/protobuf"])


@functools.cache  # one line, not one for each signal
def _refuse_protocol(chosen: str) -> None:
    _logger.error("The OTLP protocol %r is not supported (%s); http/protobuf is used.", chosen, ", ".join(_OTLP))


def _resource() -> Resource:
    return Resource.create(job_attributes())


def _provide_traces(exporters: list[Any]) -> TracerProvider:
    # As the SDK's own configurator reads OTEL_TRACES_SAMPLER and OTEL_PYTHON_ID_GENERATOR.
    sampler = _configuration._import_sampler(_configuration._get_sampler())
    chosen = os.environ.get(OTEL_PYTHON_ID_GENERATOR)
    ids = _configuration._import_id_generator(chosen) if chosen else OwnIdGenerator()
    provider = TracerProvider(sampler, _resource(), id_generator=ids)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def _provide_metrics(exporters: list[Any]) -> MeterProvider:
    readers = [
        exporter if isinstance(exporter, MetricReader) else PeriodicExportingMetricReader(exporter)
        for exporter in exporters
    ]
    provider = MeterProvider(readers, _resource())
    start_clean_in_children(provider, readers)
    metrics.set_meter_provider(provider)
    return provider


def _provide_logs(exporters: list[Any]) -> LoggerProvider:
    provider = LoggerProvider(_resource())
    for exporter in exporters:
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    set_logger_provider(provider)
    return provider


# The application's provider may be set by its own code, before us; one that was not set is a proxy.
_SIGNALS = (
    _Signal(
        "traces",
        OTEL_TRACES_EXPORTER,
        lambda: isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider),
        _provide_traces,
        SpanExportResult.FAILURE,
    ),
    _Signal(
        "metrics",
        OTEL_METRICS_EXPORTER,
        lambda: type(metrics.get_meter_provider()).__name__ == "_ProxyMeterProvider",
        _provide_metrics,
        MetricExportResult.FAILURE,
    ),
    _Signal(
        "logs",
        OTEL_LOGS_EXPORTER,
        lambda: type(get_logger_provider()).__name__ == "ProxyLoggerProvider",
        _provide_logs,
        LogRecordExportResult.FAILURE,
    ),
)
