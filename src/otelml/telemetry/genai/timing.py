"""What is counted while a stream runs: a few numbers in slots, nothing else per chunk."""

from __future__ import annotations

from time import perf_counter_ns
from typing import NamedTuple


class StreamFigures(NamedTuple):
    """The times of one stream, in seconds.

    Attributes:
        chunks: how many there were.
        to_first_chunk: from the request; None where there was none.
        mean_gap: between chunks, None where there were fewer than two.
        max_gap: likewise.
        generating: from the first chunk to the last.
    """

    chunks: int = 0
    to_first_chunk: float | None = None
    mean_gap: float | None = None
    max_gap: float | None = None
    generating: float = 0.0


class ChunkClock:
    """The times of the chunks of one stream.

    Attributes:
        last: when something last happened, by `perf_counter_ns`.
    """

    __slots__ = ("_began", "_chunks", "_first", "_gap", "last")

    def __init__(self, began: int) -> None:
        self._began = began
        self._first = 0
        self._chunks = 0
        self._gap = 0
        self.last = began

    def tick(self) -> int:
        """Take one chunk; the time since the one before, in ns, 0 for the first."""
        now = perf_counter_ns()
        self._chunks += 1
        if not self._first:
            self._first = self.last = now
            return 0
        gap = now - self.last
        if gap > self._gap:
            self._gap = gap
        self.last = now
        return gap

    def figures(self) -> StreamFigures:
        """What the chunks so far add up to."""
        if not self._chunks:
            return StreamFigures()
        generating = (self.last - self._first) * 1e-9
        gaps = self._chunks - 1
        return StreamFigures(
            self._chunks,
            (self._first - self._began) * 1e-9,
            generating / gaps if gaps else None,
            self._gap * 1e-9 if gaps else None,
            generating,
        )
