"""The shape of a reference: its cells, its features, and what binning a batch tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[np.intp]
Flags: TypeAlias = npt.NDArray[np.bool_]
Category: TypeAlias = str | float

MISSING: Final = -4
"""Cell of NaN, None, NaT and masked values."""
UNLISTED: Final = -3
"""Cell of categories that are not kept, and of values of another type than the feature's."""
BELOW: Final = -2
"""Cell of numbers below the robust range, -inf among them."""
ABOVE: Final = -1
"""Cell of numbers above the robust range, inf among them."""
SPECIAL: Final = 4

NUMERIC: Final = "numeric"
CATEGORICAL: Final = "categorical"
BOOLEAN: Final = "boolean"
DATETIME: Final = "datetime"
TEXT: Final = "text"
NONZERO: Final = "nonzero"
"""A column of a sparse matrix: only whether a value is zero is profiled."""

BINNED: Final = frozenset((NUMERIC, DATETIME, TEXT))
"""Kinds with ordered bins: numbers, seconds since 1970 in UTC, and lengths of texts."""
LISTED: Final = frozenset((CATEGORICAL, BOOLEAN, NONZERO))
"""Kinds with a cell for each category."""
KINDS: Final = BINNED | LISTED


class Feature(NamedTuple):
    """One profiled column.

    Attributes:
        name: of the column; `x0`, `x1`, ... where the table has no names.
        kind: `numeric`, `datetime`, `text`, `categorical`, `boolean` or `nonzero`.
        column: its position in the training table.
        edges: of a binned kind, the limits of its bins, ascending: `edges[0] <= bin 0 < edges[1]`; one more than bins.
            Outside the first and the last begins what is out of range. Empty for a column without a single number.
        categories: of a listed kind, the kept categories by descending count; booleans are 0.0 and 1.0.
    """

    name: str
    kind: str
    column: int
    edges: Floats
    categories: tuple[Category, ...] = ()

    @property
    def cells(self) -> int:
        """Number of bins or categories, the special cells left out."""
        return len(self.categories) if self.kind in LISTED else max(len(self.edges) - 1, 0)


class ColumnChanges(NamedTuple):
    """How the columns of a batch differ from those of the training table.

    Attributes:
        vanished: profiled columns that the batch lacks.
        appeared: columns that the training table lacked.
        renamed: pairs of a vanished column and the unknown one in its place; both are listed above, too.
        reordered: whether known columns stand in another order.
    """

    vanished: tuple[str, ...] = ()
    appeared: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    reordered: bool = False


NO_CHANGES: Final = ColumnChanges()


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """A batch counted in the cells of a reference.

    Attributes:
        rows: number of rows.
        counts: rows by feature and cell, int64 (F, C). Values of a column that has vanished are counted nowhere.
        nonfinite: number of infinite values by feature, int64 (F,).
        mismatched: number of values of another type than the feature's by feature, int64 (F,).
        low: smallest finite value by feature, float64 (F,), only for features whose values fall into a single cell
            (to tell a constant column); NaN for the rest.
        high: the largest one, likewise.
        hashes: a number by row, float64 (n,), the same for rows that are equal in every profiled feature.
        columns: what changed about the columns.
        newest: by name of a datetime column, its latest value in seconds since 1970 (UTC), and the median.
        codes: cell of every value, intp (n, F), where it was asked for.
        periods: period of every row, intp (n,), -1 where it is not known; None where no column tells it.
    """

    rows: int
    counts: Counts
    nonfinite: Counts
    mismatched: Counts
    low: Floats
    high: Floats
    hashes: Floats
    columns: ColumnChanges = NO_CHANGES
    newest: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    codes: Codes | None = None
    periods: Codes | None = None


Plain: TypeAlias = dict[str, Any]
