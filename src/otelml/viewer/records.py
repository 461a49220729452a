"""What the viewer keeps of the telemetry it receives: spans, log records and the state of metric streams."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME

from otelml.viewer.distribution import Distribution
from otelml.viewer.otlp import Attributes, AttributeValue


@dataclass(frozen=True, slots=True)
class Source:
    """Who sent something: a process, as its resource describes it, and the instrumentation in it."""

    resource: Attributes
    scope: str

    @property
    def service(self) -> str:
        """The name of the service; empty if the resource has none."""
        return str(self.resource.get(SERVICE_NAME, ""))


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened during a span."""

    time_ns: int
    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """A finished span. Ids are in hexadecimal; ``parent_id`` is empty for the first span of a trace."""

    source: Source
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    failed: bool
    status_message: str
    attributes: Attributes
    events: tuple[SpanEvent, ...]

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log record; an event, if it has an ``event_name``."""

    source: Source
    time_ns: int
    event_name: str
    severity: int
    body: AttributeValue
    attributes: Attributes
    trace_id: str
    span_id: str


class MetricKind(Enum):
    """How the values of a metric are to be read together."""

    COUNTER = "counter"
    UP_DOWN_COUNTER = "updowncounter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Point:
    """A data point of a metric stream: its state at a time, or with ``delta`` what came on top since the last point."""

    source: Source
    metric: str
    unit: str
    kind: MetricKind
    attributes: Attributes
    start_ns: int
    time_ns: int
    delta: bool
    value: float | Distribution
