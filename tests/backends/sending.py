"""Traces that a test makes and sends, and a backend of its own that keeps what it gets."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from google.protobuf.message import Message
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otelml.viewer.otlp import Signal
from otelml.viewer.receiver import OtlpReceiver
from tests.support.recorded import Recorded


class Backend(Recorded):
    """Takes OTLP/HTTP on a port, once it is started."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._lock = threading.Lock()
        self._kept: list[Message] = []
        self._receiver = OtlpReceiver(self._take, http_port=port)

    def _take(self, _signal: Signal, request: Message) -> None:
        with self._lock:
            self._kept.append(request)

    def requests(self) -> Sequence[Message]:
        """Everything that arrived so far."""
        with self._lock:
            return list(self._kept)

    def __enter__(self) -> Backend:
        self._receiver.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._receiver.stop()


class Source:
    """A program's SDK that exports traces to a gateway."""

    def __init__(self, http: str) -> None:
        self._provider = TracerProvider(resource=Resource({"service.name": "tests"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{http}/v1/traces")))
        self.tracer = self._provider.get_tracer("tests")

    def send(self) -> None:
        """Export what has ended and stop."""
        assert self._provider.force_flush()
        self._provider.shutdown()


def span_names(recorded: Recorded) -> list[str]:
    """The names of all spans, sorted."""
    return sorted(span.name for span in recorded.spans)


def failed(span: trace.Span) -> None:
    """Mark a span as failed."""
    span.set_status(trace.StatusCode.ERROR)
