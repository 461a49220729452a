"""A backend that counts what it gets, in a process of its own, and can be taken down and brought back."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, NamedTuple

from otelml.viewer.otlp import Signal
from otelml.viewer.receiver import OtlpReceiver


class Stored(NamedTuple):
    """What has arrived: distinct spans, those that came again, and metric points."""

    spans: int
    again: int
    points: int


class Sink:
    """Listens for OTLP/HTTP at `url`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        # Not forked: the parent has threads of gRPC by then.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, port), daemon=True)
        self._process.start()
        self._ask("up")

    def _ask(self, what: str) -> Stored:
        self._connection.send(what)
        answer: Stored = self._connection.recv()
        return answer

    def down(self) -> None:
        """Stop listening: connections are refused."""
        self._ask("down")

    def up(self) -> None:
        """Listen again."""
        self._ask("up")

    def stored(self) -> Stored:
        """What has arrived so far."""
        return self._ask("count")

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()


class _Counter:
    def __init__(self) -> None:
        self.ids: set[bytes] = set()
        self.spans = self.points = 0

    def take(self, signal: Signal, request: Any) -> None:
        if signal is Signal.TRACES:
            found = [span.span_id for rs in request.resource_spans for ss in rs.scope_spans for span in ss.spans]
            self.spans += len(found)
            self.ids.update(found)
        elif signal is Signal.METRICS:
            metrics = [metric for rm in request.resource_metrics for sm in rm.scope_metrics for metric in sm.metrics]
            self.points += sum(len(metric.sum.data_points) for metric in metrics)


def _serve(connection: Connection, port: int) -> None:
    counter = _Counter()
    receiver: OtlpReceiver | None = None
    answers: dict[str, Callable[[], OtlpReceiver | None]] = {
        "up": lambda: OtlpReceiver(counter.take, http_port=port).start(),
        "down": lambda: receiver.stop() if receiver else None,
        "count": lambda: receiver,
    }
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            receiver = answers[connection.recv()]()
            connection.send(Stored(len(counter.ids), counter.spans - len(counter.ids), counter.points))
