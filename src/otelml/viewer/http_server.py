"""OTLP/HTTP: the server behind `otelml.viewer.receiver`.

Status codes and bodies follow https://opentelemetry.io/docs/specs/otlp/#otlphttp.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.message import Message
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from otelml.viewer import otlp_body
from otelml.viewer.otlp import Signal

logger = logging.getLogger(__name__)

_SIGNAL_BY_PATH = {signal.path: signal for signal in Signal}
_DRAIN_BYTES = 256 * 1024 * 1024


class _Refused(Exception):
    """The request can't be taken; the client is told the status and the reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class OtlpHttpServer(ThreadingHTTPServer):
    """Listens from its construction on; `serve_forever` answers, with one thread a connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, sink: Callable[[Signal, Message], None], max_bytes: int) -> None:
        self.sink = sink
        self.max_bytes = max_bytes
        self.stopping = False
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise OSError(error.errno, f"can't listen on {host}:{port}: {error.strerror}") from error

    def server_bind(self) -> None:
        """Bind without `HTTPServer`'s reverse look-up of the host's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that `server_close` can end it."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening and reading; a request that was read whole still gets its answer."""
        self.stopping = True
        super().server_close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RD)
            except OSError:
                logger.debug("the client was gone first", exc_info=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong on a connection (a client that went away, as a rule) instead of printing it."""
        logger.debug("connection from %s failed", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: OtlpHttpServer
    protocol_version = "HTTP/1.1"
    server_version = "otelml"
    sys_version = ""
    timeout = 75
    # One write for an answer's headers and body, sent at once: else Nagle's algorithm delays the second by 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        content_type = self.headers.get_content_type() if "Content-Type" in self.headers else ""
        try:
            signal, message = self._read_request(content_type)
        except _Refused as refused:
            # What is left of the body would be taken for the next request.
            self.close_connection = True
            self._answer(refused.status, content_type, Status(message=refused.reason))
            self._drain()
            return
        except otlp_body.Malformed as error:
            self._answer(HTTPStatus.BAD_REQUEST, content_type, Status(message=str(error)))
            return
        try:
            self.server.sink(signal, message)
        except Exception:
            logger.exception("%s were received and could not be handled", signal.value)
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, content_type, Status(message="see the receiver's log"))
            return
        self._answer(HTTPStatus.OK, content_type, signal.response())

    def _other_method(self) -> None:
        known = self.path.partition("?")[0] in _SIGNAL_BY_PATH
        self.close_connection = True
        if known:
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "", Status(message="OTLP is sent with POST"), Allow="POST")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "", Status(message=f"OTLP is at {', '.join(_SIGNAL_BY_PATH)}"))

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _other_method

    def _read_request(self, content_type: str) -> tuple[Signal, Message]:
        if self.server.stopping:
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the receiver is stopping")
        signal = _SIGNAL_BY_PATH.get(self.path.partition("?")[0])
        if signal is None:
            raise _Refused(HTTPStatus.NOT_FOUND, f"OTLP is at {', '.join(_SIGNAL_BY_PATH)}")
        if content_type not in otlp_body.CONTENT_TYPES:
            raise _Refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type is one of {', '.join(otlp_body.CONTENT_TYPES)}"
            )
        encoding = self.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in otlp_body.CONTENT_ENCODINGS:
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding is gzip, deflate or none")
        try:
            body = otlp_body.decompress(self._read_body(), encoding, self.server.max_bytes)
        except otlp_body.TooLarge:
            raise self._too_large() from None
        return signal, otlp_body.decode_request(signal, body, content_type)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        try:
            length = int(self.headers["Content-Length"])
        except (TypeError, ValueError):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "Content-Length is missing or not a number") from None
        if not 0 <= length <= self.server.max_bytes:
            raise self._too_large()
        body = self.rfile.read(length)
        if len(body) < length:
            raise _Refused(HTTPStatus.BAD_REQUEST, "the body ended early")
        return body

    def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        left = self.server.max_bytes
        while True:
            try:
                size = int(self.rfile.readline(80).partition(b";")[0], 16)
            except ValueError:
                raise _Refused(HTTPStatus.BAD_REQUEST, "a chunk without its size") from None
            if not 0 <= size <= left:
                raise self._too_large()
            left -= size
            chunks.append(self.rfile.read(size))
            self.rfile.readline(80)
            if size == 0:
                return b"".join(chunks)

    def _too_large(self) -> _Refused:
        return _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {self.server.max_bytes} bytes")

    def _answer(self, status: HTTPStatus, content_type: str, message: Message, **headers: str) -> None:
        if content_type not in otlp_body.CONTENT_TYPES:
            content_type = otlp_body.JSON
        body = otlp_body.encode_message(message, content_type)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _drain(self) -> None:
        """Read what the client still sends: one whose writing fails never gets to read the answer."""
        self.connection.settimeout(1)
        left = _DRAIN_BYTES
        try:
            while left > 0 and (data := self.rfile.read1(65536)):
                left -= len(data)
        except OSError:
            logger.debug("stopped reading a refused body", exc_info=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Log requests for debugging only."""
        logger.debug(format, *args)
