"""The far end of the network: endpoints that refuse, misbehave or are not there."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FarEnd:
    """An HTTP endpoint that answers with a status.

    Attributes:
        status: the status of the answers to come.
        exceptions: the same for single paths.
        requests: path and body of what has arrived.
    """

    def __init__(self, status: int) -> None:
        self.status = status
        self.exceptions: dict[str, int] = {}
        self.requests: list[tuple[str, bytes]] = []
        far_end = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                far_end.requests.append((self.path, body))
                self.send_response(far_end.exceptions.get(self.path, far_end.status))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def wait_for(self, requests: int, seconds: float = 60) -> None:
        """Wait until so many requests have arrived."""
        deadline = time.monotonic() + seconds
        while len(self.requests) < requests:
            assert time.monotonic() < deadline, f"{len(self.requests)} of {requests} requests arrived"
            time.sleep(0.02)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def far_end(status: int) -> Iterator[FarEnd]:
    """An endpoint for the time of a block."""
    end = FarEnd(status)
    try:
        yield end
    finally:
        end.close()


def nobody() -> str:
    """An address (host and port) at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"
