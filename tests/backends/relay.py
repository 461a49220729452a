"""Between the programs that send and the Collector: keeps what was sent, and passes it on by the same protocol."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from otelml.viewer.otlp import Signal
from otelml.viewer.receiver import OtlpReceiver
from tests.support.recorded import Recorded

_SECONDS = 10.0
_STUBS: dict[Signal, Callable[[grpc.Channel], Any]] = {
    Signal.TRACES: TraceServiceStub,
    Signal.METRICS: MetricsServiceStub,
    Signal.LOGS: LogsServiceStub,
}


class Relay(Recorded):
    """Receives OTLP over both protocols; a sender gets its answer after the Collector has given one.

    Args:
        http: the Collector's address for OTLP/HTTP.
        grpc_target: its host and port for OTLP/gRPC; where given, everything goes there, and else to `http`.
    """

    def __init__(self, http: str, grpc_target: str | None = None) -> None:
        self._lock = threading.Lock()
        self._kept: list[Message] = []
        self._http = http
        self._channel = grpc.insecure_channel(grpc_target) if grpc_target else None
        self.receiver = OtlpReceiver(self._take, grpc_port=0 if grpc_target else None).start()

    def requests(self) -> Sequence[Message]:
        """Everything that was sent so far."""
        with self._lock:
            return list(self._kept)

    def close(self) -> None:
        """Stop listening."""
        self.receiver.stop()
        if self._channel is not None:
            self._channel.close()

    def _take(self, signal: Signal, request: Message) -> None:
        if self._channel is None:
            body = request.SerializeToString()
            post = urllib.request.Request(
                f"{self._http}/v1/{signal.value}", body, {"Content-Type": "application/x-protobuf"}, method="POST"
            )
            urllib.request.urlopen(post, timeout=_SECONDS).close()
        else:
            stub = _STUBS[signal]
            stub(self._channel).Export(request, timeout=_SECONDS)
        with self._lock:
            self._kept.append(request)


class Together(Recorded):
    """What several have recorded."""

    def __init__(self, *parts: Recorded) -> None:
        self._parts = parts

    def requests(self) -> Sequence[Message]:
        """Everything, one after the other."""
        return [request for part in self._parts for request in part.requests()]
