"""An OTLP receiver: takes telemetry over HTTP and gRPC and hands each decoded export request on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from otelml.viewer.http_server import OtlpHttpServer
from otelml.viewer.otlp import Signal

if TYPE_CHECKING:
    from otelml.viewer.grpc_server import OtlpGrpcServer

#: The limit of the OpenTelemetry Collector's receiver.
MAX_BODY_BYTES = 20 * 1024 * 1024


class OtlpReceiver:
    """Listens for OTLP and calls ``sink(signal, request)`` with each export request that arrives.

    The sink is called from several threads at once, before the sender gets its answer: when an exporter's flush has
    returned, the sink has seen everything. A sink that raises makes the request fail.

    Args:
        sink: takes the signal and the decoded ``Export*ServiceRequest``.
        host: the address to listen on; only this machine can reach the default.
        http_port: the port for OTLP/HTTP; 0 takes a free one.
        grpc_port: the port for OTLP/gRPC; 0 takes a free one, None means no gRPC (and doesn't import it).
        max_bytes: the size a request may have, after decompression.
    """

    def __init__(
        self,
        sink: Callable[[Signal, Message], None],
        *,
        host: str = "127.0.0.1",
        http_port: int = 0,
        grpc_port: int | None = None,
        max_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._sink = sink
        self._host = host
        self._ports = (http_port, grpc_port)
        self._max_bytes = max_bytes
        self._http: OtlpHttpServer | None = None
        self._grpc: OtlpGrpcServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> OtlpReceiver:
        """Listen and answer, in threads of its own.

        Raises:
            OSError: a port is taken, or isn't ours to take.
            RuntimeError: it is running.
        """
        if self._http is not None:
            raise RuntimeError("the receiver is running")
        http_port, grpc_port = self._ports
        http = OtlpHttpServer(self._host, http_port, self._sink, self._max_bytes)
        if grpc_port is not None:
            try:
                self._grpc = self._start_grpc(grpc_port)
            except BaseException:
                http.server_close()
                raise
        self._http = http
        self._thread = threading.Thread(target=http.serve_forever, args=(0.1,), name="otlp-http", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; requests that were read are answered first. Does nothing if it isn't running."""
        if self._http is not None and self._thread is not None:
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()
        if self._grpc is not None:
            self._grpc.stop()
        self._http = self._thread = self._grpc = None

    @property
    def http_port(self) -> int:
        """The port that OTLP/HTTP is received on."""
        if self._http is None:
            raise RuntimeError("the receiver is not running")
        return self._http.server_port

    @property
    def grpc_port(self) -> int:
        """The port that OTLP/gRPC is received on."""
        if self._grpc is None:
            raise RuntimeError("the receiver is not running, or has no gRPC")
        return self._grpc.port

    @property
    def http_endpoint(self) -> str:
        """The value for ``OTEL_EXPORTER_OTLP_ENDPOINT`` with the protocols ``http/protobuf`` and ``http/json``."""
        return f"http://{self._authority}:{self.http_port}"

    @property
    def grpc_endpoint(self) -> str:
        """The value for ``OTEL_EXPORTER_OTLP_ENDPOINT`` with the protocol ``grpc``."""
        return f"http://{self._authority}:{self.grpc_port}"

    def __enter__(self) -> OtlpReceiver:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _authority(self) -> str:
        return f"[{self._host}]" if ":" in self._host else self._host

    def _start_grpc(self, port: int) -> OtlpGrpcServer:
        from otelml.viewer.grpc_server import OtlpGrpcServer  # takes 0.1 s

        server = OtlpGrpcServer(self._host, port, self._sink, self._max_bytes)
        server.start()
        return server
