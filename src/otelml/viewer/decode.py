"""OTLP's export requests as the viewer's records."""

from __future__ import annotations

import math
from collections.abc import Iterator

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from otelml.viewer.distribution import Distribution
from otelml.viewer.otlp import decode_attributes, decode_value
from otelml.viewer.records import LogRecord, MetricKind, Point, Source, Span, SpanEvent

_DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
_SPAN_KINDS = {kind: name.removeprefix("SPAN_KIND_").lower() for name, kind in OtlpSpan.SpanKind.items()}


def decode_spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """Yield the spans of a request."""
    for of_resource in request.resource_spans:
        resource = decode_attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            source = Source(resource, of_scope.scope.name)
            for span in of_scope.spans:
                yield _span(source, span)


def decode_logs(request: ExportLogsServiceRequest) -> Iterator[LogRecord]:
    """Yield the log records of a request."""
    for of_resource in request.resource_logs:
        resource = decode_attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_logs:
            source = Source(resource, of_scope.scope.name)
            for record in of_scope.log_records:
                yield LogRecord(
                    source=source,
                    time_ns=record.time_unix_nano or record.observed_time_unix_nano,
                    event_name=record.event_name,
                    severity=record.severity_number,
                    body=decode_value(record.body),
                    attributes=decode_attributes(record.attributes),
                    trace_id=record.trace_id.hex(),
                    span_id=record.span_id.hex(),
                )


def decode_points(request: ExportMetricsServiceRequest) -> Iterator[Point]:
    """Yield the data points of a request, but for those of summaries, which no OpenTelemetry instrument makes."""
    for of_resource in request.resource_metrics:
        resource = decode_attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            source = Source(resource, of_scope.scope.name)
            for metric in of_scope.metrics:
                yield from _points(source, metric)


def _span(source: Source, span: OtlpSpan) -> Span:
    return Span(
        source=source,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=_SPAN_KINDS.get(span.kind, "unspecified"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        status_message=span.status.message,
        attributes=decode_attributes(span.attributes),
        events=tuple(
            SpanEvent(event.time_unix_nano, event.name, decode_attributes(event.attributes)) for event in span.events
        ),
    )


def _points(source: Source, metric: Metric) -> Iterator[Point]:
    shape = metric.WhichOneof("data")
    if shape == "sum":
        kind = MetricKind.COUNTER if metric.sum.is_monotonic else MetricKind.UP_DOWN_COUNTER
        for number in metric.sum.data_points:
            yield _point(source, metric, kind, metric.sum.aggregation_temporality == _DELTA, number, _number(number))
    elif shape == "gauge":
        for number in metric.gauge.data_points:
            yield _point(source, metric, MetricKind.GAUGE, False, number, _number(number))
    elif shape == "histogram":
        for explicit in metric.histogram.data_points:
            delta = metric.histogram.aggregation_temporality == _DELTA
            yield _point(source, metric, MetricKind.HISTOGRAM, delta, explicit, _explicit(explicit))
    elif shape == "exponential_histogram":
        for exponential in metric.exponential_histogram.data_points:
            delta = metric.exponential_histogram.aggregation_temporality == _DELTA
            yield _point(source, metric, MetricKind.HISTOGRAM, delta, exponential, _exponential(exponential))


def _point(
    source: Source,
    metric: Metric,
    kind: MetricKind,
    delta: bool,
    point: NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint,
    value: float | Distribution,
) -> Point:
    return Point(
        source=source,
        metric=metric.name,
        unit=metric.unit,
        kind=kind,
        attributes=decode_attributes(point.attributes),
        start_ns=point.start_time_unix_nano,
        time_ns=point.time_unix_nano,
        delta=delta,
        value=value,
    )


def _number(point: NumberDataPoint) -> float:
    return float(point.as_int) if point.WhichOneof("value") == "as_int" else point.as_double


def _explicit(point: HistogramDataPoint) -> Distribution:
    edges = [-math.inf, *point.explicit_bounds, math.inf]
    counts = {
        (low, high): count for low, high, count in zip(edges, edges[1:], point.bucket_counts, strict=False) if count
    }
    return _distribution(point, counts)


def _exponential(point: ExponentialHistogramDataPoint) -> Distribution:
    base = 2.0 ** (2.0**-point.scale)
    counts = {(-point.zero_threshold, point.zero_threshold): point.zero_count} if point.zero_count else {}
    for index, count in enumerate(point.positive.bucket_counts, point.positive.offset):
        if count:
            counts[base**index, base ** (index + 1)] = count
    for index, count in enumerate(point.negative.bucket_counts, point.negative.offset):
        if count:
            counts[-(base ** (index + 1)), -(base**index)] = count
    return _distribution(point, counts)


def _distribution(
    point: HistogramDataPoint | ExponentialHistogramDataPoint, counts: dict[tuple[float, float], int]
) -> Distribution:
    return Distribution(
        counts,
        point.sum,
        point.min if point.HasField("min") else None,
        point.max if point.HasField("max") else None,
    )
