"""Counts values by the cells of a reference: every feature and every row in one pass over the edges.

A value's place among the edges is the number of edges that it reaches. Adding up one comparison a time over a block of
few rows costs the same 10 ns a value for one feature as for a thousand, where a call for each feature would cost 10 us.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.layout import (
    ABOVE,
    BELOW,
    BINNED,
    MISSING,
    NUMERIC,
    SPECIAL,
    UNLISTED,
    Codes,
    Counts,
    Feature,
    Flags,
    Floats,
)

BLOCK = 32_768
"""Values that are compared at a time: the buffers stay in the processor's cache."""

_MANY_ROWS = 2_048
"""Rows from which on a column at a time takes a third of the time: 3 ns a value."""
_ROWS = 5_120
"""Rows of a column that are compared at a time."""

_BUFFER_TYPE = np.uint8
Reached: TypeAlias = npt.NDArray[np.uint8]
MAX_BINS = 200


def cells_of(features: Sequence[Feature]) -> int:
    """The width of the matrix of counts: the widest feature's cells and the special ones."""
    return max((feature.cells for feature in features), default=0) + SPECIAL


class Binner:
    """The features' edges, laid out for binning.

    Attributes:
        width: number of cells of a feature, C.
        numeric: positions of the features that are binned by edges, among all features.
        plain: whether all features are numbers, so that a table of numbers needs no conversion.
    """

    def __init__(self, features: Sequence[Feature], width: int) -> None:
        """Lay out the edges of `features`, for counts of `width` cells."""
        self.width = width
        self.numeric = np.array([i for i, feature in enumerate(features) if feature.kind in BINNED], dtype=np.intp)
        self.plain = all(feature.kind == NUMERIC for feature in features)
        binned = [features[i] for i in self.numeric]
        steps = max((len(feature.edges) for feature in binned), default=0)
        # NaN is reached by no value, so a feature with fewer edges stops counting at its own last one.
        table = np.full((steps, len(binned)), np.nan)
        self._cell = np.full((len(binned), steps + 1), width + UNLISTED, dtype=np.uint8)
        for at, feature in enumerate(binned):
            edges = len(feature.edges)
            table[:edges, at] = feature.edges
            if edges:
                self._cell[at, 0] = width + BELOW
                self._cell[at, 1:edges] = np.arange(edges - 1)
                self._cell[at, edges:] = width + ABOVE
        self._edges = narrow(table)
        self._steps = steps
        self._offset = np.arange(len(binned), dtype=np.intp) * (steps + 1)

    def count(self, values: npt.NDArray[Any], missing: Flags | None) -> Counts:
        """Count numbers by cell.

        Args:
            values: numbers, shape (n, F'), a column for each binned feature, in their order.
            missing: where a value is NaN, shape (n, F'); None where none is.

        Returns:
            int64 (F', C).
        """
        features = len(self._offset)
        places = np.zeros(features * (self._steps + 1), dtype=np.int64)
        if len(values) >= _MANY_ROWS:
            for at, _, reached in self._reached_by_column(values):
                first = self._offset[at]
                places[first : first + self._steps + 1] += np.bincount(reached, minlength=self._steps + 1)
        else:
            for _, reached in self._reached_by_row(values):
                places += np.bincount((reached + self._offset).ravel(), minlength=len(places))
        # The sums are whole numbers below 2**53, which floats hold exactly.
        cells = self._cell + np.arange(features, dtype=np.intp)[:, None] * self.width
        counts = np.bincount(cells.ravel(), places, features * self.width).astype(np.int64)
        counts = counts.reshape(features, self.width)
        if missing is not None:
            absent = missing.sum(0)
            counts[:, MISSING] = absent
            counts[np.arange(features), self._cell[:, 0]] -= absent  # NaN has reached no edge, like a low value
        return counts

    def codes(self, values: npt.NDArray[Any], missing: Flags | None, out: Codes | None = None) -> Codes:
        """The cell of each number, 0 to C-1, intp (n, F'); arguments as of `count`, and where the cells shall go."""
        many = len(values) >= _MANY_ROWS
        codes = np.empty(values.shape, dtype=np.intp, order="F" if many else "C") if out is None else out
        if many:
            for at, rows, reached in self._reached_by_column(values):
                codes[rows, at] = self._cell[at].take(reached)
        else:
            flat = self._cell.ravel()
            for rows, reached in self._reached_by_row(values):
                codes[rows] = flat.take(reached + self._offset)
        if missing is not None:
            codes[missing] = self.width + MISSING
        return codes

    def _reached_by_column(self, values: npt.NDArray[Any]) -> Iterator[tuple[int, slice, Reached]]:
        """How many edges the values of some rows of a column reach: the column, the rows, and uint8 (rows,)."""
        edges = self._edges.T.astype(np.float64)[:, :, None]
        for first in range(0, len(values), _ROWS):
            rows = slice(first, first + _ROWS)
            for at, column in enumerate(np.ascontiguousarray(values[rows].T, dtype=np.float64)):
                reached = (column >= edges[at]).view(_BUFFER_TYPE)
                yield at, rows, np.add.reduce(reached, axis=0, dtype=_BUFFER_TYPE)

    def _reached_by_row(self, values: npt.NDArray[Any]) -> Iterator[tuple[slice, Reached]]:
        """How many edges the values of some rows reach: the rows, and uint8 (rows, F')."""
        step, edges = max(1, BLOCK // max(len(self._offset), 1)), self._edges.astype(np.float64)
        for first in range(0, len(values), step):
            rows = slice(first, first + step)
            block = values[rows].astype(np.float64, copy=False)
            reached = np.zeros(block.shape, dtype=_BUFFER_TYPE)
            hit = np.empty(block.shape, dtype=np.bool_)
            as_number = hit.view(_BUFFER_TYPE)
            for edge in edges:
                np.greater_equal(block, edge, out=hit)
                np.add(reached, as_number, out=reached)
            yield rows, reached


def narrow(values: Floats) -> npt.NDArray[Any]:
    """Numbers in 32 bits where that changes none of them."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.array_equal(single.astype(np.float64), values, equal_nan=True) else values


def counted(codes: Codes, width: int) -> Counts:
    """Count cells: int64 (F, C) of codes (n, F)."""
    features = codes.shape[1]
    offset = np.arange(features, dtype=np.intp) * width
    return (
        np.bincount((codes + offset).ravel("K"), minlength=features * width).reshape(features, width).astype(np.int64)
    )


def row_weights(features: Sequence[Feature], spread: Floats) -> tuple[Floats, float]:
    """Weights that make a number of each row, and the size of the numbers' rounding error.

    Args:
        features: all features.
        spread: their robust scales, shape (F,).
    """
    weights = np.random.default_rng(20_261_122).uniform(1, 2, len(features))  # the same in every process
    size = np.array([np.abs(feature.edges).max(initial=1.0) for feature in features]) if features else np.ones(0)
    binned = np.array([feature.kind in BINNED for feature in features], dtype=bool)
    scaled = np.where(binned, weights / spread, weights)
    return scaled, float((np.abs(scaled) * np.where(binned, size, 60.0)).sum()) * 1e-14
