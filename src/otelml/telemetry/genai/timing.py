"""What is counted while a stream runs: a few numbers in slots, nothing else per chunk."""

from __future__ import annotations

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
    """The times of the chunks of one stream, by `perf_counter_ns`.

    Attributes:
        last: when something last happened.
        chunks: how many there were.
        longest: the longest gap between two of them, in ns; -1 before the first one.
    """

    __slots__ = ("_began", "_first", "chunks", "last", "longest")

    def __init__(self, began: int) -> None:
        self._began = began
        self._first = began
        self.chunks = 0
        self.longest = -1
        self.last = began

    def lengthen(self, now: int, gap: int) -> None:
        """Take a gap that is longer than those before; what passed until the first chunk is none."""
        if self.longest < 0:
            self._first = now
            gap = 0
        self.longest = gap

    def figures(self) -> StreamFigures:
        """What the chunks so far add up to."""
        if self.longest < 0:
            return StreamFigures()
        generating = (self.last - self._first) * 1e-9
        gaps = self.chunks - 1
        return StreamFigures(
            self.chunks,
            (self._first - self._began) * 1e-9,
            generating / gaps if gaps else None,
            self.longest * 1e-9 if gaps else None,
            generating,
        )
