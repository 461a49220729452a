"""What OTLP defines: its three signals with their messages, and attribute values as Python values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TypeAlias

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

AttributeValue: TypeAlias = "str | bool | int | float | bytes | list[AttributeValue] | dict[str, AttributeValue] | None"
Attributes: TypeAlias = Mapping[str, AttributeValue]


class Signal(Enum):
    """A kind of telemetry, with the messages and the addresses that OTLP has for it."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"

    @property
    def request(self) -> type[Message]:
        """The message an exporter sends."""
        return _MESSAGES[self][0]

    @property
    def response(self) -> type[Message]:
        """The message it gets back; empty means that everything was accepted."""
        return _MESSAGES[self][1]

    @property
    def path(self) -> str:
        """The default path of the signal in OTLP/HTTP."""
        return f"/v1/{self.value}"

    @property
    def grpc_service(self) -> str:
        """The full name of the gRPC service, whose only method is ``Export``."""
        return _SERVICES[self]


_MESSAGES: dict[Signal, tuple[type[Message], type[Message]]] = {
    Signal.TRACES: (trace_service_pb2.ExportTraceServiceRequest, trace_service_pb2.ExportTraceServiceResponse),
    Signal.METRICS: (metrics_service_pb2.ExportMetricsServiceRequest, metrics_service_pb2.ExportMetricsServiceResponse),
    Signal.LOGS: (logs_service_pb2.ExportLogsServiceRequest, logs_service_pb2.ExportLogsServiceResponse),
}
_SERVICES: dict[Signal, str] = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
}


def decode_attributes(pairs: Iterable[KeyValue]) -> dict[str, AttributeValue]:
    """Return OTLP's list of key-value pairs as a dictionary; of a key that comes twice, the last value."""
    return {pair.key: decode_value(pair.value) for pair in pairs}


def decode_value(value: AnyValue) -> AttributeValue:
    """Return the Python value that an ``AnyValue`` holds; None if it holds none."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [decode_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return decode_attributes(value.kvlist_value.values)
    scalar: AttributeValue = getattr(value, kind)
    return scalar
