"""Windows of counts: by rows or by time, several lengths at once, tumbling or sliding."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.monitors.tallies import added, narrowed, nothing

Length: TypeAlias = int | timedelta
"""Of a window: a number of rows, or a time."""


class Block:
    """Rows counted together.

    Attributes:
        counts: by feature and cell, of shape (F, C).
        rows: number of rows.
        start: when the first of them came, if that is known.
        end: when the last of them came.
        products: their cross-products, of shape (k + 1, k + 1); empty where dependence is not watched.
        periods: rows by period of the reference, of shape (P,); empty without periods.
    """

    __slots__ = ("counts", "end", "periods", "products", "rows", "start")

    def __init__(self, shape: tuple[int, int], products: int = 0, periods: int = 0) -> None:
        self.counts: npt.NDArray[Any] = nothing(shape)
        self.rows = 0
        self.start: datetime | None = None
        self.end: datetime | None = None
        self.products = np.zeros((products, products))
        self.periods = np.zeros(periods, dtype=np.int64)

    def empty(self) -> Block:
        """A block of the same shape without rows."""
        return Block(self.counts.shape, len(self.products), len(self.periods))

    def add(self, other: Block) -> None:
        """Take the rows of another block."""
        self.rows += other.rows
        self.counts = added(self.counts, other.counts, self.rows)
        if self.products.size:
            self.products += other.products
        if self.periods.size:
            self.periods += other.periods
        if self.start is None:
            self.start = other.start
        self.end = other.end or self.end

    def snapshot(self) -> dict[str, Any]:
        """As built-in types and arrays."""
        return {
            "counts": self.counts.copy(),
            "rows": self.rows,
            "start": self.start and self.start.isoformat(),
            "end": self.end and self.end.isoformat(),
            "products": self.products.copy(),
            "periods": self.periods.copy(),
        }

    def restored(self, stored: dict[str, Any]) -> Block:
        """A block of this shape from a snapshot.

        Raises:
            ValueError: it is of another shape; the message names the field.
        """
        block = self.empty()
        for name in ("counts", "products", "periods"):
            value, wanted = np.asarray(stored[name]), getattr(block, name)
            if not value.size and not wanted.size:
                continue  # JSON has no empty matrices
            if value.shape != wanted.shape:
                raise ValueError(f"{name} has shape {value.shape}, but {wanted.shape} was expected")
            setattr(block, name, value.astype(wanted.dtype if name != "counts" else np.int64))
        block.rows = int(stored["rows"])
        block.counts = narrowed(block.counts, block.rows)
        block.start, block.end = (
            datetime.fromisoformat(text) if (text := stored[name]) else None for name in ("start", "end")
        )
        return block


class Window:
    """The rows of one length, and the last window that was complete.

    A window is complete with the first block that fills it; blocks are never split. One by time is extended until it
    has `least_rows`.

    Args:
        length: number of rows, or time.
        steps: 1 for tumbling windows; k for windows that slide by a k-th of their length.
        least_rows: fewer are never a window.
        blank: a block of the right shape.
    """

    def __init__(self, length: Length, steps: int, least_rows: int, blank: Block) -> None:
        self.length = length
        self.steps = steps
        self.least_rows = least_rows
        self._current = blank.empty()
        self._earlier: deque[Block] = deque(maxlen=max(steps - 1, 0))
        self.latest: Block | None = None

    def add(self, block: Block) -> Block | None:
        """Take a block; returns the window that it completes, if any."""
        self._current.add(block)
        if not self._is_full(self._current):
            return None
        step, self._current = self._current, self._current.empty()
        if self.steps == 1:
            self.latest = step
            return step
        complete = None
        if len(self._earlier) == self.steps - 1:
            complete = step.empty()
            for earlier in (*self._earlier, step):
                complete.add(earlier)
            self.latest = complete
        self._earlier.append(step)
        return complete

    @property
    def missing_rows(self) -> int | None:
        """Rows until the next step of a window by rows; None by time."""
        if isinstance(self.length, timedelta):
            return None
        return self._step_rows(self.length) - self._current.rows

    def _is_full(self, block: Block) -> bool:
        if isinstance(self.length, timedelta):
            lasted = block.end - block.start if block.start and block.end else timedelta()
            return lasted >= self.length / self.steps and block.rows * self.steps >= self.least_rows
        return block.rows >= self._step_rows(self.length)

    def _step_rows(self, length: int) -> int:
        return max(-(-length // self.steps), -(-self.least_rows // self.steps))

    def snapshot(self) -> dict[str, Any]:
        """As built-in types and arrays."""
        return {
            "current": self._current.snapshot(),
            "earlier": [block.snapshot() for block in self._earlier],
            "latest": self.latest.snapshot() if self.latest else None,
        }

    def restore(self, stored: dict[str, Any]) -> None:
        """Take the rows of a snapshot.

        Raises:
            ValueError: it is of another shape; the message names the field.
        """
        blank = self._current.empty()
        self._current = blank.restored(stored["current"])
        self._earlier.clear()
        self._earlier.extend(blank.restored(block) for block in stored["earlier"])
        self.latest = blank.restored(stored["latest"]) if stored["latest"] else None


class Windows:
    """Windows of several lengths over the same rows.

    Args:
        lengths: as `lengths_of` returns them.
        steps: see `Window`.
        least_rows: see `Window`.
        blank: a block of the right shape.
    """

    def __init__(self, lengths: Sequence[Length], steps: int, least_rows: int, blank: Block) -> None:
        self._windows = [Window(length, steps, least_rows, blank) for length in lengths]

    def add(self, block: Block) -> Iterator[tuple[int, Block]]:
        """Take a block; the numbers of the lengths that it completes a window of, and the windows."""
        for number, window in enumerate(self._windows):
            complete = window.add(block)
            if complete is not None:
                yield number, complete

    @property
    def missing_rows(self) -> int | None:
        """Rows until the next step of any window by rows; None where all are by time."""
        return min((rows for window in self._windows if (rows := window.missing_rows) is not None), default=None)

    @property
    def latest(self) -> list[Block | None]:
        """The last complete window of each length."""
        return [window.latest for window in self._windows]

    def snapshot(self) -> list[dict[str, Any]]:
        """As built-in types and arrays."""
        return [window.snapshot() for window in self._windows]

    def restore(self, stored: Sequence[dict[str, Any]]) -> None:
        """Take the rows of a snapshot.

        Raises:
            ValueError: it is of another shape; the message names the field.
        """
        for window, taken in zip(self._windows, stored, strict=True):
            window.restore(taken)


def lengths_of(windows: Sequence[Length], least_rows: int) -> Iterator[Length]:
    """Check lengths of windows, the shortest first.

    Raises:
        ValueError: there is none, or one is too short; the message says which.
    """
    if not windows:
        raise ValueError("windows: at least one length is needed, such as (200, 1000, 10000)")
    for length in windows:
        if isinstance(length, timedelta):
            if length <= timedelta():
                raise ValueError(f"windows: {length} is not a time above 0")
        elif length is True or length < least_rows:
            raise ValueError(f"windows: {length!r} is neither a timedelta nor a number of rows >= {least_rows}")
    yield from sorted(length for length in windows if isinstance(length, int))
    yield from sorted(length for length in windows if isinstance(length, timedelta))
