"""An OTLP endpoint for processes that tests start."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from google.protobuf.message import Message

from otelml.viewer.otlp import Signal
from otelml.viewer.receiver import OtlpReceiver
from tests.support.checked import Expectations
from tests.support.recorded import Recorded


class OtlpEndpoint(Expectations, Recorded):
    """Receives over HTTP and reads what arrived; an exporter's flush returns after its data is here.

    Attributes:
        allows_faults: whether the processes may report contained telemetry faults.
    """

    allows_faults = False

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._requests: list[Message] = []
        self._receiver = OtlpReceiver(self._keep).start()

    def _keep(self, _signal: Signal, request: Message) -> None:
        with self._lock:
            self._requests.append(request)

    @property
    def url(self) -> str:
        """The base address, the value of `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return self._receiver.http_endpoint

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make OpenTelemetry export all signals to here."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
        }

    def requests(self) -> Sequence[Message]:
        """Everything that arrived so far."""
        with self._lock:
            return list(self._requests)

    def close(self) -> None:
        """Stop listening."""
        self._receiver.stop()
