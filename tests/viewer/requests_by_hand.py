"""OTLP/HTTP requests written by hand."""

from __future__ import annotations

import http.client
from contextlib import closing

from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelml.viewer.otlp import Signal
from otelml.viewer.receiver import OtlpReceiver

MAX_BYTES = 10_000
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json; charset=utf-8"}

Received = list[tuple[Signal, Message]]


class Answer:
    """An answer read whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def post(receiver: OtlpReceiver, body: object, headers: dict[str, str], path: str = "/v1/traces") -> Answer:
    """Send one request over a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", receiver.http_port, timeout=10)) as connection:
        connection.request("POST", path, body, headers)  # type: ignore[arg-type]
        return Answer(connection.getresponse())


def one_span() -> bytes:
    """An export request in protobuf."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.trace_id, span.span_id = "predict churn", bytes(range(16)), bytes(range(8))
    return request.SerializeToString()


def names_of(received: Received) -> list[str]:
    """The names of all spans that were handed on."""
    return [
        span.name
        for _, request in received
        if isinstance(request, ExportTraceServiceRequest)
        for of_resource in request.resource_spans
        for of_scope in of_resource.scope_spans
        for span in of_scope.spans
    ]
