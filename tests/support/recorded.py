"""Export requests as plain values that tests can compare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otelml.viewer.otlp import decode_attributes

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class RecordedSpan:
    """A finished span. Ids are hexadecimal, `parent_id` is empty for a root; times in nanoseconds."""

    name: str
    kind: str
    status: str
    description: str
    attributes: Attributes
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    links: tuple[str, ...]
    scope: str
    resource: Attributes


@dataclass(frozen=True)
class RecordedPoint:
    """A data point of a metric, as last exported.

    `value` is the number of a sum or a gauge and the sum of a histogram; `count` is None but for histograms.
    """

    attributes: Attributes
    value: float
    count: int | None
    bounds: tuple[float, ...]
    buckets: tuple[int, ...]
    scope: str
    resource: Attributes


@dataclass(frozen=True)
class RecordedEvent:
    """An event; log records without an event name are none."""

    name: str
    severity: int
    body: Any
    attributes: Attributes
    trace_id: str
    span_id: str
    scope: str
    resource: Attributes


class Recorded(ABC):
    """Reads what has been recorded so far."""

    @abstractmethod
    def requests(self) -> Sequence[Message]:
        """Every export request, oldest first."""

    @property
    def spans(self) -> list[RecordedSpan]:
        """The finished spans in the order in which they ended."""
        return [
            _span(span, group.scope.name, decode_attributes(resource.resource.attributes))
            for request in self.requests()
            if isinstance(request, ExportTraceServiceRequest)
            for resource in request.resource_spans
            for group in resource.scope_spans
            for span in group.spans
        ]

    def span(self, name: str | None = None) -> RecordedSpan:
        """The only span, or the only one of this name."""
        return _only([it for it in self.spans if name in (None, it.name)], f"span {name or ''}", self.spans)

    @property
    def metrics(self) -> dict[str, list[RecordedPoint]]:
        """The latest data points by metric, one for each set of attributes and process."""
        latest: dict[str, dict[Any, RecordedPoint]] = {}
        for request in self.requests():
            if isinstance(request, ExportMetricsServiceRequest):
                for resource in request.resource_metrics:
                    about = decode_attributes(resource.resource.attributes)
                    for group in resource.scope_metrics:
                        for metric in group.metrics:
                            points = latest.setdefault(metric.name, {})
                            for start, point in _points(metric, group.scope.name, about):
                                points[start, repr(point.attributes), repr(about), point.scope] = point
        return {name: list(points.values()) for name, points in latest.items()}

    def points(self, metric: str, attributes: Attributes | None = None) -> list[RecordedPoint]:
        """The latest data points of a metric that have at least these attributes; an empty list if there are none."""
        wanted = (attributes or {}).items()
        return [it for it in self.metrics.get(metric, []) if wanted <= it.attributes.items()]

    def point(self, metric: str, attributes: Attributes | None = None) -> RecordedPoint:
        """The only data point of a metric that has at least these attributes."""
        return _only(self.points(metric, attributes), f"point of {metric} with {attributes}", self.metrics)

    def total(self, metric: str, attributes: Attributes | None = None) -> float:
        """The sum of the values of the data points that have at least these attributes."""
        return sum(it.value for it in self.points(metric, attributes))

    @property
    def events(self) -> list[RecordedEvent]:
        """The events in the order in which they were emitted."""
        return [
            RecordedEvent(
                record.event_name,
                record.severity_number,
                record.body.string_value or None,
                decode_attributes(record.attributes),
                record.trace_id.hex(),
                record.span_id.hex(),
                group.scope.name,
                decode_attributes(resource.resource.attributes),
            )
            for request in self.requests()
            if isinstance(request, ExportLogsServiceRequest)
            for resource in request.resource_logs
            for group in resource.scope_logs
            for record in group.log_records
            if record.event_name
        ]

    def event(self, name: str | None = None) -> RecordedEvent:
        """The only event, or the only one of this name."""
        return _only([it for it in self.events if name in (None, it.name)], f"event {name or ''}", self.events)


def _only(found: list[Any], what: str, all_there_is: object) -> Any:
    assert len(found) == 1, f"{len(found)} instead of one {what} in {all_there_is}"
    return found[0]


def _span(span: Span, scope: str, resource: Attributes) -> RecordedSpan:
    return RecordedSpan(
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        status=Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        description=span.status.message,
        attributes=decode_attributes(span.attributes),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        links=tuple(link.span_id.hex() for link in span.links),
        scope=scope,
        resource=resource,
    )


def _points(metric: Metric, scope: str, resource: Attributes) -> list[tuple[int, RecordedPoint]]:
    data = metric.WhichOneof("data")
    assert data is not None, f"{metric.name} has no data"
    found = []
    for point in getattr(metric, data).data_points:
        is_number = data in ("sum", "gauge")
        value = getattr(point, point.WhichOneof("value") or "as_int") if is_number else point.sum
        recorded = RecordedPoint(
            attributes=decode_attributes(point.attributes),
            value=value,
            count=None if is_number else point.count,
            bounds=tuple(point.explicit_bounds) if data == "histogram" else (),
            buckets=tuple(point.bucket_counts) if data == "histogram" else (),
            scope=scope,
            resource=resource,
        )
        found.append((point.start_time_unix_nano, recorded))
    return found
