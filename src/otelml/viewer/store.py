"""What has been received, in memory and bounded: the newest spans and log records, and the state of metric streams."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import replace
from typing import NamedTuple, cast

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelml.viewer.decode import decode_logs, decode_points, decode_spans
from otelml.viewer.distribution import Distribution, merge
from otelml.viewer.otlp import Signal
from otelml.viewer.records import LogRecord, MetricKind, Point, Span


class Counts(NamedTuple):
    """Numbers of spans, log records and metric streams."""

    spans: int = 0
    logs: int = 0
    streams: int = 0


class TelemetryStore:
    """Takes export requests (`add` is a receiver's sink) and gives back what they held.

    When a limit is reached the oldest goes: the span or log record that came first, the metric stream that has been
    without a point for longest. Safe to use from several threads.
    """

    def __init__(self, *, max_spans: int = 20_000, max_logs: int = 5_000, max_streams: int = 10_000) -> None:
        self._limits = Counts(max_spans, max_logs, max_streams)
        self._dropped = Counts()
        self._spans: deque[Span] = deque()
        self._traces: dict[str, deque[Span]] = {}
        self._logs: deque[LogRecord] = deque()
        self._streams: OrderedDict[_StreamKey, Point] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, signal: Signal, request: Message) -> None:
        """Take in what an export request holds."""
        if signal is Signal.TRACES:
            self._add_spans(list(decode_spans(cast(ExportTraceServiceRequest, request))))
        elif signal is Signal.LOGS:
            self._add_logs(list(decode_logs(cast(ExportLogsServiceRequest, request))))
        else:
            self._add_points(list(decode_points(cast(ExportMetricsServiceRequest, request))))

    @property
    def counts(self) -> Counts:
        """How much is kept now."""
        with self._lock:
            return Counts(len(self._spans), len(self._logs), len(self._streams))

    @property
    def dropped(self) -> Counts:
        """How much had to go because of the limits."""
        with self._lock:
            return self._dropped

    def spans(self) -> list[Span]:
        """Return the spans in the order of their arrival."""
        with self._lock:
            return list(self._spans)

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace in the order of their arrival; none if the trace isn't known."""
        with self._lock:
            return list(self._traces.get(trace_id, ()))

    def logs(self) -> list[LogRecord]:
        """Return the log records in the order of their arrival."""
        with self._lock:
            return list(self._logs)

    def streams(self, metric: str) -> list[Point]:
        """Return the state of each stream of a metric; a point that came as a delta is added to those before it."""
        with self._lock:
            return [point for point in self._streams.values() if point.metric == metric]

    def _add_spans(self, spans: list[Span]) -> None:
        with self._lock:
            for span in spans:
                self._spans.append(span)
                self._traces.setdefault(span.trace_id, deque()).append(span)
            excess = max(0, len(self._spans) - self._limits.spans)
            for _ in range(excess):
                oldest = self._spans.popleft()
                of_trace = self._traces[oldest.trace_id]
                of_trace.popleft()
                if not of_trace:
                    del self._traces[oldest.trace_id]
            self._dropped = self._dropped._replace(spans=self._dropped.spans + excess)

    def _add_logs(self, records: list[LogRecord]) -> None:
        with self._lock:
            self._logs.extend(records)
            excess = max(0, len(self._logs) - self._limits.logs)
            for _ in range(excess):
                self._logs.popleft()
            self._dropped = self._dropped._replace(logs=self._dropped.logs + excess)

    def _add_points(self, points: list[Point]) -> None:
        with self._lock:
            for point in points:
                key = _stream_key(point)
                self._streams[key] = _successor(self._streams.get(key), point)
                self._streams.move_to_end(key)
            excess = max(0, len(self._streams) - self._limits.streams)
            for _ in range(excess):
                self._streams.popitem(last=False)
            self._dropped = self._dropped._replace(streams=self._dropped.streams + excess)


class _StreamKey(NamedTuple):
    metric: str
    scope: str
    resource: frozenset[tuple[str, str]]
    attributes: frozenset[tuple[str, str]]
    start_ns: int


def _stream_key(point: Point) -> _StreamKey:
    # A counter that starts again does so in a new process: what the old one had counted stays counted.
    starts_anew = not point.delta and point.kind in (MetricKind.COUNTER, MetricKind.HISTOGRAM)
    return _StreamKey(
        metric=point.metric,
        scope=point.source.scope,
        resource=frozenset((name, repr(value)) for name, value in point.source.resource.items()),
        attributes=frozenset((name, repr(value)) for name, value in point.attributes.items()),
        start_ns=point.start_ns if starts_anew else 0,
    )


def _successor(before: Point | None, point: Point) -> Point:
    if before is None:
        return point
    if point.delta:
        return replace(point, start_ns=before.start_ns, value=_sum(before.value, point.value))
    return point if point.time_ns >= before.time_ns else before


def _sum(one: float | Distribution, other: float | Distribution) -> float | Distribution:
    if isinstance(one, Distribution) and isinstance(other, Distribution):
        return merge((one, other))
    if isinstance(one, Distribution) or isinstance(other, Distribution):
        return other
    return one + other
