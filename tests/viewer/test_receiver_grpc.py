"""The OTLP/gRPC half of the receiver, against real exporters and raw calls."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otelml.viewer.otlp import Signal
from otelml.viewer.receiver import OtlpReceiver

MAX_BYTES = 10_000


@pytest.fixture
def received() -> list[tuple[Signal, Message]]:
    """What the receiver has handed on."""
    return []


@pytest.fixture
def receiver(received: list[tuple[Signal, Message]]) -> Iterator[OtlpReceiver]:
    """A running receiver with a low limit."""

    def sink(signal: Signal, request: Message) -> None:
        if b"poison" in request.SerializeToString():
            raise RuntimeError("full")
        received.append((signal, request))

    with OtlpReceiver(sink, grpc_port=0, max_bytes=MAX_BYTES) as running:
        yield running


def export(receiver: OtlpReceiver, body: bytes) -> bytes:
    """Call the trace service with these bytes."""
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel:
        answer: bytes = channel.unary_unary(f"/{Signal.TRACES.grpc_service}/Export")(body, timeout=10)
        return answer


def a_span(name: str) -> bytes:
    """An export request for one span, as bytes."""
    request = Signal.TRACES.request()
    request.resource_spans.add().scope_spans.add().spans.add().name = name  # type: ignore[attr-defined]
    return request.SerializeToString()


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_all_signals_of_the_sdk_arrive(
    receiver: OtlpReceiver, received: list[tuple[Signal, Message]], compression: grpc.Compression
) -> None:
    """Traces, metrics and logs are handed on before the SDK's shutdown returns."""
    options: dict[str, Any] = {"endpoint": receiver.grpc_endpoint, "insecure": True, "compression": compression}
    traces = TracerProvider()
    traces.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(**options)))
    traces.get_tracer("test").start_span("predict churn").end()
    logs = LoggerProvider()
    logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(**options)))
    logs.get_logger("test").emit(body="failed")
    metrics = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(**options))])
    metrics.get_meter("test").create_counter("calls").add(1)
    for provider in (traces, logs, metrics):
        provider.shutdown()
    assert [(signal, type(request)) for signal, request in received] == [
        (Signal.TRACES, Signal.TRACES.request),
        (Signal.LOGS, Signal.LOGS.request),
        (Signal.METRICS, Signal.METRICS.request),
    ]


def test_the_answer_is_an_empty_response(receiver: OtlpReceiver, received: list[tuple[Signal, Message]]) -> None:
    """Everything was accepted, and what was sent is what is handed on."""
    assert export(receiver, a_span("predict churn")) == b""
    assert [request.SerializeToString() for _, request in received] == [a_span("predict churn")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (a_span("x" * MAX_BYTES), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (a_span("poison"), grpc.StatusCode.INTERNAL),
    ],
)
def test_what_can_not_be_taken_is_refused(
    receiver: OtlpReceiver, received: list[tuple[Signal, Message]], body: bytes, code: grpc.StatusCode
) -> None:
    """Malformed, too large, or not handled by the sink: each has its status, and the next request is taken."""
    with pytest.raises(grpc.RpcError) as failure:
        export(receiver, body)
    assert failure.value.code() is code
    export(receiver, a_span("predict churn"))
    assert len(received) == 1


def test_a_taken_port_is_an_os_error(receiver: OtlpReceiver) -> None:
    """Two receivers don't share a port, and one that can't start leaves its other port free."""
    second = OtlpReceiver(lambda *_: None, grpc_port=receiver.grpc_port)
    with pytest.raises(OSError, match=str(receiver.grpc_port)):
        second.start()
    with pytest.raises(RuntimeError, match="not running"):
        _ = second.http_port


def test_after_stop_nothing_is_taken(receiver: OtlpReceiver, received: list[tuple[Signal, Message]]) -> None:
    """Stopping closes the port."""
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{Signal.TRACES.grpc_service}/Export")
        call(a_span("predict churn"), timeout=10)
        receiver.stop()
        with pytest.raises(grpc.RpcError) as failure:
            call(a_span("predict churn"), timeout=10)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(received) == 1


def test_without_grpc_it_is_not_imported() -> None:
    """A receiver for HTTP only imports neither grpc nor the SDK."""
    program = (
        "import sys; from otelml.viewer.receiver import OtlpReceiver; OtlpReceiver(print).start().stop(); "
        "print({'grpc', 'opentelemetry.sdk', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
