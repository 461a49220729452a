"""Streams that the application dropped: ended on a thread of ours, not where the garbage collector happened to run.

A collection can run anywhere, also in the SDK while it holds one of its locks; to emit there would be a deadlock.
`SimpleQueue.put` is made for finalisers (it is reentrant); the thread sleeps in `get` and is there only once a stream
has been dropped.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
from collections.abc import Callable

Ending = Callable[[], None]


class Undertaker:
    """Runs what finalisers hand to it.

    It takes its thread from the first stream on, since a finaliser can start none.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._queue: queue.SimpleQueue[Ending] = queue.SimpleQueue()
        self._started = False
        self._lock = threading.Lock()

    def expect(self) -> None:
        """Be there for streams to come."""
        if self._started:
            return
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(target=self._work, args=(self._queue,), name="otelml-streams", daemon=True).start()

    def take(self, ending: Ending) -> None:
        """Run an ending soon; safe in a finaliser."""
        self._queue.put(ending)

    def flush(self) -> None:
        """Run the endings that wait, on this thread."""
        while True:
            try:
                ending = self._queue.get_nowait()
            except queue.Empty:
                return
            ending()

    @staticmethod
    def _work(waiting: queue.SimpleQueue[Ending]) -> None:
        while True:
            ending = waiting.get()
            ending()
            del ending  # it holds the stream's operation


UNDERTAKER = Undertaker()
atexit.register(UNDERTAKER.flush)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=UNDERTAKER._reset)
