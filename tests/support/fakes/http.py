"""The network's far end of a client: an HTTP server on this machine that answers from a script."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request as it arrived.

    Attributes:
        body: the JSON body; the raw bytes where it is none.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """What is answered.

    Attributes:
        body: JSON data; bytes go out as they are.
        chunks: pieces sent one after the other in place of a body.
        cut: whether the connection is closed in the middle of a body whose length was announced.
        wait: waited for before the last piece; for a stream that does not end by itself.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Iterable[bytes] | None = None
    cut: bool = False
    wait: threading.Event | None = None


Answering = Callable[[Asked], Reply]


class FakeServer:
    """Answers each request with the next scripted reply for its path, or else as `answering` says.

    Attributes:
        asked: every request so far.
    """

    def __init__(self, answering: Answering) -> None:
        self.asked: list[Asked] = []
        self._answering = answering
        self._script: dict[str, deque[Reply]] = defaultdict(deque)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"far_end": self}))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}"

    def reply(self, path: str, *replies: Reply) -> None:
        """Answer the next requests for a path with these."""
        self._script[path].extend(replies)

    def answer(self, asked: Asked) -> Reply:
        """The reply to a request."""
        self.asked.append(asked)
        script = self._script[asked.path.split("?")[0]]
        return script.popleft() if script else self._answering(asked)

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def sse(*events: Any, names: Iterable[str] | None = None, done: bool = True) -> Reply:
    """A stream of server-sent events, a piece for each.

    Args:
        events: JSON data; strings go out as they are.
        names: the names of the events, where the API sends names.
        done: whether `[DONE]` follows.
    """
    data = [event if isinstance(event, str) else json.dumps(event) for event in events]
    if names is None:
        pieces = [f"data: {it}\n\n" for it in data]
    else:
        pieces = [f"event: {name}\ndata: {it}\n\n" for name, it in zip(names, data, strict=True)]
    if done:
        pieces.append("data: [DONE]\n\n")
    return Reply(headers={"content-type": "text/event-stream"}, chunks=[piece.encode() for piece in pieces])


class _Handler(BaseHTTPRequestHandler):
    far_end: FakeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for the client to acknowledge the headers

    def handle(self) -> None:
        """Answer the requests of one connection, until the client leaves, in whatever way."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw
        reply = self.far_end.answer(Asked(self.command, self.path, dict(self.headers), body))
        try:
            self._send(reply)
        except OSError:
            self.close_connection = True  # the client has left, as some tests do

    do_GET = do_POST = do_DELETE = _answer

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"content-type": "application/json", **reply.headers}
        body = b"" if reply.chunks is not None else _encoded(reply.body)
        headers.update({"transfer-encoding": "chunked"} if reply.chunks is not None else {})
        if reply.chunks is None:
            headers["content-length"] = str(len(body))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.chunks is None:
            self.wfile.write(body[: len(body) // 2] if reply.cut else body)
        else:
            self._stream(reply)
        if reply.cut:
            self.close_connection = True

    def _stream(self, reply: Reply) -> None:
        pieces = list(reply.chunks or ())
        for number, piece in enumerate(pieces):
            if reply.wait is not None and number == len(pieces) - 1:
                self.wfile.flush()
                reply.wait.wait(10)
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        if not reply.cut:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
