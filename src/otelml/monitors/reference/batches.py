"""Bins batches: matches the columns of a batch with the features, and counts."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.binning import counted, row_weights
from otelml.monitors.reference.cells import Listed, as_numbers
from otelml.monitors.reference.layout import (
    BINNED,
    DATETIME,
    MISSING,
    NO_CHANGES,
    NUMERIC,
    UNLISTED,
    Binned,
    Codes,
    ColumnChanges,
    Counts,
    Flags,
    Floats,
)
from otelml.monitors.reference.periods import period_numbers
from otelml.monitors.reference.tables import Table, open_table

if TYPE_CHECKING:
    from otelml.monitors.reference.reference import Reference

_ROWS = 5_120
_VALUES = 1 << 20  # at a time: some copies of a block are made
_MOST_NAMES = 20


class Reader:
    """Bins batches for one reference."""

    def __init__(self, reference: Reference) -> None:
        """Lay out what batches need of `reference`."""
        self._features = reference.features
        self._width = reference.counts.shape[1]
        self._binner = reference.binner
        self._numeric = _span(reference.binner.numeric)
        self._named = reference.named
        self._columns = reference.columns
        self._weights, self._error = row_weights(reference.features, reference.spread)
        self._positions = np.array([feature.column for feature in reference.features], dtype=np.intp)
        everything = np.array_equal(self._positions, np.arange(reference.columns))
        self._plain = self._binner.plain and everything
        self._is_together = np.array([feature.kind == NUMERIC for feature in reference.features], dtype=bool)
        self._together = np.flatnonzero(self._is_together)
        self._empty = np.full(len(self._features), np.nan)
        self._listed = {
            at: Listed(feature.categories, feature.kind, self._width)
            for at, feature in enumerate(self._features)
            if feature.kind not in BINNED
        }
        self._datetimes = [(at, feature.name) for at, feature in enumerate(self._features) if feature.kind == DATETIME]
        periods = reference.periods
        self._periods = None if periods is None or periods.clock is None else (periods.kind, periods.clock)
        self._matched: tuple[object, Codes, ColumnChanges] | None = None

    def bin(self, X: Any, with_codes: bool) -> Binned:
        """Count a batch; see `Reference.bin`."""
        if self._plain and type(X) is np.ndarray and X.ndim == 2 and X.shape[1] == self._columns:
            if X.dtype.kind in "fiu" and X.size <= _VALUES:
                return self._of_numbers(X, with_codes, NO_CHANGES)
        return self.bin_table(open_table(X), with_codes)

    def bin_table(self, table: Table, with_codes: bool) -> Binned:
        """Count a table, a block of rows at a time."""
        positions, changes = self._match(table)
        most = max(1, min(_VALUES // max(len(positions), 1), _ROWS))
        if table.rows <= most:
            return self._of_part(table, positions, changes, with_codes)
        rows = -(-table.rows // -(-table.rows // most))  # the same for each part
        return joined(
            [
                self._of_part(table.part(first, min(first + rows, table.rows), 1), positions, changes, with_codes)
                for first in range(0, table.rows, rows)
            ]
        )

    def codes(self, X: Any) -> Codes:
        """The cell of each value; see `Reference.codes`."""
        codes = self.bin(X, True).codes
        if codes is None:
            raise RuntimeError("binned without codes")
        return codes

    def same_rows(self, hashes: Floats) -> int:
        """How many of the rows equal another one that comes before, by `Binned.hashes`."""
        ordered = np.sort(hashes[np.isfinite(hashes)])
        return int((np.diff(ordered) <= np.maximum(self._error, np.abs(ordered[1:]) * 1e-14)).sum())

    def _of_numbers(self, X: npt.NDArray[Any], with_codes: bool, changes: ColumnChanges) -> Binned:
        features = len(self._features)
        absent = np.isnan(X) if X.dtype.kind == "f" else None
        if absent is not None and not absent.any():
            absent = None
        codes = self._binner.codes(X, absent) if with_codes else None
        counts = counted(codes, self._width) if codes is not None else self._binner.count(X, absent)
        infinite = np.isinf(X).sum(0) if X.dtype.kind == "f" and np.isinf(X).any() else np.zeros(features, np.int64)
        low, high = self._extremes(X, counts)
        filled = X if absent is None else np.where(absent, 0.7548776662466927, X)
        hashes = self._hashed(filled)
        return Binned(
            len(X), counts, infinite.astype(np.int64), counts[:, UNLISTED].copy(), low, high, hashes, changes, {}, codes
        )

    def _hashed(self, values: npt.NDArray[Any]) -> Floats:
        with np.errstate(invalid="ignore", over="ignore"):
            # Not `@`: BLAS starts threads for it, which take a processor from the host for a millisecond after.
            numbers: Floats = np.einsum("ij,j->i", values, self._weights)
        return numbers

    def _extremes(self, X: npt.NDArray[Any], counts: Counts) -> tuple[Floats, Floats]:
        if len(X) == 0:
            return self._empty, self._empty
        present = len(X) - counts[:, MISSING]
        single = np.flatnonzero((counts.max(1) >= present) & (present > 0))
        if not len(single):
            return self._empty, self._empty
        low, high = self._empty.copy(), self._empty.copy()
        some = X[:, single]
        if some.dtype.kind == "f":
            some = np.where(np.isfinite(some), some, np.nan)
        low[single], high[single] = np.fmin.reduce(some, axis=0), np.fmax.reduce(some, axis=0)
        return low, high

    def _of_part(self, table: Table, positions: Codes, changes: ColumnChanges, with_codes: bool) -> Binned:
        if self._binner.plain and (positions >= 0).all():
            whole = len(positions) == table.width and np.array_equal(positions, np.arange(table.width))
            values = table.dense(None if whole else positions)
            if values is not None:
                return self._of_numbers(values, with_codes, changes)
        if table.sparse:  # whose columns, one at a time, take long to find
            values = table.dense(np.maximum(positions, 0))
            table, positions = open_table(values), np.where(positions >= 0, np.arange(len(positions)), -1)
        return self._of_columns(table, positions, changes, with_codes)

    def _of_columns(self, table: Table, positions: Codes, changes: ColumnChanges, with_codes: bool) -> Binned:
        shape = (table.rows, len(positions))
        # A column at a time is written and read: columns follow each other in memory.
        codes = np.full(shape, self._width + MISSING, dtype=np.intp, order="F")
        values = np.full(shape, np.nan, order="F")
        mismatched = np.zeros(len(positions), dtype=np.int64)
        wrong: list[tuple[int, Flags]] = []
        # Plain numbers are read together: a data frame takes longer to hand out a column than to convert it.
        together = self._together[positions[self._together] >= 0]
        block = table.dense(positions[together]) if len(together) else None
        if block is not None:
            values[:, _span(together)] = block
        for at in np.flatnonzero(positions >= 0).tolist():
            if block is not None and self._is_together[at]:
                continue
            feature = self._features[at]
            column = table.column(int(positions[at]))
            listed = self._listed.get(at)
            if listed is not None:
                codes[:, at], mismatched[at] = listed.cells(column)
                continue
            values[:, at], other = as_numbers(column, feature.kind)
            if other is not None:
                wrong.append((at, other))
                mismatched[at] = other.sum()
        binned = values[:, self._numeric]
        if isinstance(self._numeric, slice):
            self._binner.codes(binned, np.isnan(binned), codes[:, self._numeric])
        else:
            codes[:, self._numeric] = self._binner.codes(binned, np.isnan(binned))
        for at, other in wrong:
            codes[other, at] = self._width + UNLISTED
        counts = counted(codes, self._width)
        counts[positions < 0] = 0
        low, high = self._extremes(values, counts)
        infinite = np.isinf(values)
        newest = self._newest(values)
        periods = self._periods
        numbers = period_numbers(values[:, periods[1]], periods[0]) if periods is not None else None
        np.add(codes, 0.5, out=values, where=np.isnan(values))  # what has no value counts by its cell
        return Binned(
            rows=table.rows,
            counts=counts,
            nonfinite=infinite.sum(0) if infinite.any() else np.zeros(len(positions), np.int64),
            mismatched=mismatched,
            low=low,
            high=high,
            hashes=self._hashed(values),
            columns=changes,
            newest=newest,
            codes=codes if with_codes else None,
            periods=numbers,
        )

    def _newest(self, values: Floats) -> dict[str, tuple[float, float]]:
        moments = {name: values[np.isfinite(values[:, at]), at] for at, name in self._datetimes}
        return {name: (float(known.max()), float(np.median(known))) for name, known in moments.items() if len(known)}

    def _match(self, table: Table) -> tuple[Codes, ColumnChanges]:
        key: object = table.names if self._named and table.names is not None else table.width
        known = self._matched
        if known is None or known[0] != key:
            matched = self._by_name(table.names) if isinstance(key, tuple) and table.names else self._by_place(table)
            known = self._matched = (key, *matched)
        return known[1], known[2]

    def _by_place(self, table: Table) -> tuple[Codes, ColumnChanges]:
        positions = np.where(self._positions < table.width, self._positions, -1)
        vanished = [self._features[at].name for at in np.flatnonzero(positions < 0)[:_MOST_NAMES]]
        appeared = [f"x{at}" for at in range(self._columns, min(table.width, self._columns + _MOST_NAMES))]
        return positions, ColumnChanges(tuple(vanished), tuple(appeared))

    def _by_name(self, names: tuple[str, ...]) -> tuple[Codes, ColumnChanges]:
        places = {name: place for place, name in enumerate(names)}
        positions = np.array([places.get(feature.name, -1) for feature in self._features], dtype=np.intp)
        vanished = [feature for at, feature in enumerate(self._features) if positions[at] < 0]
        if len(vanished) == len(positions) and len(names) == self._columns:
            positions = self._positions  # all columns have other names: their order is what is left
        known_names = {feature.name for feature in self._features}
        appeared = [name for name in names if name not in known_names]
        unknown = self._columns - len(self._features)
        if unknown:  # the names of columns that are not profiled are not kept
            appeared = [f"{len(appeared) - unknown} more columns"] if len(appeared) > unknown else []
        renamed = [
            (feature.name, names[feature.column])
            for feature in vanished
            if feature.column < len(names) and names[feature.column] in appeared
        ]
        known = positions[positions >= 0]
        return positions, ColumnChanges(
            tuple(feature.name for feature in vanished[:_MOST_NAMES]),
            tuple(appeared[:_MOST_NAMES]),
            tuple(renamed[:_MOST_NAMES]),
            bool((np.diff(known) < 0).any()),
        )


def _span(positions: Codes) -> Codes | slice:
    """The same columns as a slice, which is no copy, where they follow each other."""
    if len(positions) and positions[-1] - positions[0] == len(positions) - 1:
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions


def joined(parts: Sequence[Binned]) -> Binned:
    """Batches of the same columns as one; the median of a datetime column is that of the parts' medians."""
    first = parts[0]
    names = {name for part in parts for name in part.newest}
    newest = {name: [part.newest[name] for part in parts if name in part.newest] for name in names}
    return Binned(
        sum(part.rows for part in parts),
        np.sum([part.counts for part in parts], axis=0),
        np.sum([part.nonfinite for part in parts], axis=0),
        np.sum([part.mismatched for part in parts], axis=0),
        np.fmin.reduce([part.low for part in parts]),
        np.fmax.reduce([part.high for part in parts]),
        np.concatenate([part.hashes for part in parts]),
        first.columns,
        {name: (max(pair[0] for pair in pairs), median(pair[1] for pair in pairs)) for name, pairs in newest.items()},
        _together([part.codes for part in parts]),
        _together([part.periods for part in parts]),
    )


def _together(parts: Sequence[Codes | None]) -> Codes | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None
