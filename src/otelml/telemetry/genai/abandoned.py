"""What is left to do for streams that are over, on a thread of ours: to end those that were dropped, to count tokens.

A collection can run anywhere, also in the SDK while it holds one of its locks; to emit there would be a deadlock.
`SimpleQueue.put` is made for finalisers (it is reentrant); the thread sleeps in `get` and is there only once a stream
has been dropped.
"""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Callable
from time import monotonic

from otelml._forks import call_in_children

Ending = Callable[[], None]

_PATIENCE = 5.0
"""The seconds for which the end of the process waits."""


class Undertaker:
    """Runs what finalisers hand to it.

    It takes its thread from the first stream on, since a finaliser can start none.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._queue: queue.SimpleQueue[Ending] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def expect(self) -> None:
        """Be there for streams to come."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._work, args=(self._queue,), name="otelml-streams", daemon=True)
                thread.start()
                self._thread = thread

    @property
    def waiting(self) -> int:
        """How many endings wait."""
        return self._queue.qsize()

    def take(self, ending: Ending) -> None:
        """Run an ending soon; safe in a finaliser."""
        self._queue.put(ending)

    def flush(self) -> None:
        """Wait until the endings that wait have run, in their order; on this thread where there is no other."""
        deadline = monotonic() + _PATIENCE
        while self._thread is not None and self._thread.is_alive():
            reached = threading.Event()
            self._queue.put(reached.set)
            if not reached.wait(max(deadline - monotonic(), 0)) or self._queue.empty():
                return
        while not self._queue.empty():
            self._queue.get()()

    @staticmethod
    def _work(waiting: queue.SimpleQueue[Ending]) -> None:
        while True:
            ending = waiting.get()
            ending()
            del ending  # it holds the stream's operation


UNDERTAKER = Undertaker()
atexit.register(UNDERTAKER.flush)
call_in_children(UNDERTAKER._reset)
