"""Counts in the narrowest type that holds them: most windows fit 16 bits, and a process has many of them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Tally: TypeAlias = npt.NDArray[Any]
"""Whole numbers from 0 to a number of rows that is known, as `uint16`, `uint32` or `int64`."""


def nothing(shape: tuple[int, ...]) -> Tally:
    """Counts of no rows."""
    return np.zeros(shape, dtype=np.uint16)


def narrowed(counts: npt.NDArray[Any], rows: int) -> Tally:
    """The same counts, none of them above `rows`, in the narrowest type."""
    return counts.astype(np.uint16 if rows < 1 << 16 else np.uint32 if rows < 1 << 32 else np.int64)


def added(total: Tally, counts: npt.NDArray[Any], rows: int) -> Tally:
    """The sum of two counts, in place where it fits.

    Args:
        total: what is added to; it is not to be used afterwards.
        counts: of any type of whole numbers.
        rows: of the sum; no count is above.
    """
    if rows > np.iinfo(total.dtype).max:
        total = narrowed(total, rows)
    np.add(total, counts, out=total, casting="unsafe")
    return total
