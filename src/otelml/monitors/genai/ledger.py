"""Which calls were counted: one call has one cost, however many instrumentations tell of it."""

from __future__ import annotations

import threading
from collections import OrderedDict

_MAX_REMEMBERED = 4_096


class Ledger:
    """Remembers the last responses by their id.

    Two instrumentations of different layers, such as LiteLLM's own over one of OpenAI's client, tell of one response
    with the same id. One instrumentation that tells an id twice means two calls: some local servers draw ids of three
    digits (Ollama's OpenAI API).
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self.clear()

    def clear(self) -> None:
        """Forget everything, and any lock that another thread held when the process was forked."""
        # Reentrant: a span that ends in a finaliser may come while this thread is in here.
        self._lock = threading.RLock()
        self._seen: OrderedDict[str, tuple[str, bool]] = OrderedDict()

    def admits(self, response_id: str | None, teller: str) -> bool:
        """Whether a response counts: nobody else has told of it."""
        if response_id is None:
            return True
        with self._lock:
            known = self._seen.get(response_id)
            if known is not None and known[0] != teller:
                return False
            self._seen[response_id] = (teller, False)
            self._seen.move_to_end(response_id)
            if len(self._seen) > _MAX_REMEMBERED:
                self._seen.popitem(last=False)
        return True

    def shown(self, response_id: str | None) -> bool:
        """Whether a span shows the cost of the response by now; from now on, one does."""
        if response_id is None:
            return False
        with self._lock:
            known = self._seen.get(response_id)
            if known is None:
                return False
            self._seen[response_id] = (known[0], True)
            return known[1]
