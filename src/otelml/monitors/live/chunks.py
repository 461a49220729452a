"""Copies of a few rows of whatever a host gives a model, and what joins them to one table.

Nothing of the host's is kept: it may change the array, or the frame may be large. No library is imported: an input of
a library is handled by the library that made it, which is there.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np


def row_count(table: Any) -> int | None:
    """Number of rows of a table; None of what is none, such as images, or does not tell without being consumed."""
    shape = getattr(table, "shape", None)
    if isinstance(shape, tuple):
        return int(shape[0]) if len(shape) in (1, 2) and isinstance(shape[0], (int, np.integer)) else None
    return len(table) if isinstance(table, (list, tuple)) else None


def taken(table: Any, first: int, step: int, part: int) -> Any:
    """A copy of every `step`th row from `first` on, `part` rows in all; None where rows can't be taken.

    Args:
        table: an array, a data frame, an Arrow table, a sparse matrix or a list of rows.
        first: index of the first row.
        step: distance from one row to the next.
        part: number of rows.
    """
    rows = slice(first, first + (part - 1) * step + 1, step)
    if isinstance(table, np.ndarray):
        return np.array(table[rows], order="C", subok=False)
    if isinstance(table, (list, tuple)):
        return [list(row) if isinstance(row, (list, tuple)) else row for row in table[rows]]
    library = type(table).__module__.partition(".")[0]
    indices = np.arange(first, rows.stop, step)
    if library == "pandas":
        return table.take(indices)
    if library == "polars":
        return table[indices.tolist()]
    if library == "pyarrow":
        return table.take(indices)
    if library == "scipy":
        return table.tocsr()[indices]
    return None


def kind_of(chunk: Any) -> Hashable:
    """What chunks must have in common to be joined."""
    if isinstance(chunk, np.ndarray):
        return "numpy", chunk.ndim, chunk.shape[1:], chunk.dtype.str
    if isinstance(chunk, list):
        return "list", len(chunk[0]) if chunk and isinstance(chunk[0], list) else None
    columns = getattr(chunk, "columns", None)
    names = getattr(chunk, "column_names", columns)
    named = tuple(map(str, names)) if names is not None else chunk.shape[1:]
    return type(chunk).__module__.partition(".")[0], type(chunk).__name__, named


def joined(chunks: Sequence[Any]) -> Any:
    """One table of chunks of one kind."""
    first = chunks[0]
    if len(chunks) == 1:
        return first
    if isinstance(first, np.ndarray):
        return np.concatenate(chunks)
    if isinstance(first, list):
        return [row for chunk in chunks for row in chunk]
    library = type(first).__module__.partition(".")[0]
    if library == "pandas":
        return sys.modules["pandas"].concat(chunks, ignore_index=True)
    if library == "polars":
        return sys.modules["polars"].concat(chunks, how="vertical_relaxed")
    if library == "pyarrow":
        return sys.modules["pyarrow"].concat_tables(chunks, promote_options="permissive")
    return sys.modules["scipy.sparse"].vstack(chunks, format="csr")
