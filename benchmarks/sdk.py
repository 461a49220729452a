"""The SDK that every contender runs under: batch processors and a periodic reader, exporting to nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

COLLECTION_INTERVAL = 2.0
"""Seconds. A contender has the floor for a part of the time only, so this is as if metrics were collected every 10 s or
so in its turns; an application's default is 60 s."""


class _Spans(SpanExporter):
    def __init__(self) -> None:
        self.spans = 0
        self.roots = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += len(spans)
        self.roots += sum(span.parent is None for span in spans)
        return SpanExportResult.SUCCESS


class _Metrics(MetricExporter):
    last: MetricsData | None = None

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_kwargs: Any) -> MetricExportResult:
        self.last = metrics_data
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_kwargs: Any) -> None:
        pass


class _Logs(LogRecordExporter):
    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def shutdown(self) -> None:
        pass


class Point(NamedTuple):
    """A data point of a metric: its attributes, and the SDK's object with the value."""

    attributes: dict[str, Any]
    data: Any


class Sdk:
    """The providers, set as the global ones.

    Attributes:
        tracer: for what a contender records by hand.
        meter: likewise.
    """

    def __init__(self, views: Sequence[View] = ()) -> None:
        self._spans, self._metrics = _Spans(), _Metrics()
        self._tracers = TracerProvider()
        self._tracers.add_span_processor(BatchSpanProcessor(self._spans))
        trace.set_tracer_provider(self._tracers)
        reader = PeriodicExportingMetricReader(self._metrics, export_interval_millis=COLLECTION_INTERVAL * 1000)
        self._meters = MeterProvider([reader], views=views)
        metrics.set_meter_provider(self._meters)
        loggers = LoggerProvider()
        loggers.add_log_record_processor(BatchLogRecordProcessor(_Logs()))
        set_logger_provider(loggers)
        self.tracer = trace.get_tracer("benchmarks")
        self.meter = metrics.get_meter("benchmarks")

    def spans(self) -> tuple[int, int]:
        """How many spans were exported so far, and how many of these have no parent."""
        self._tracers.force_flush()
        return self._spans.spans, self._spans.roots

    def points(self, metric: str) -> list[Point]:
        """The points of a metric as they are now."""
        self._meters.force_flush()
        return list(self._points_of(metric))

    def _points_of(self, metric: str) -> Iterator[Point]:
        for resource in self._metrics.last.resource_metrics if self._metrics.last else ():
            for scope in resource.scope_metrics:
                for found in scope.metrics:
                    if found.name == metric:
                        for point in found.data.data_points:
                            yield Point(dict(point.attributes or {}), point)
