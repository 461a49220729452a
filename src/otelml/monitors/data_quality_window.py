"""The rows of one window of the data-quality monitor, added up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from otelml.monitors.reference.layout import MISSING, NO_CHANGES, Binned, Counts, Floats
from otelml.monitors.reference.reference import Reference
from otelml.monitors.tallies import Tally, added, narrowed, nothing

BLOCK = 256
"""Rows among which equal ones are looked for, as in the reference."""

_ARRAYS = ("counts", "nonfinite", "mismatched", "low", "high")


class QualityWindow:
    """Sums over the rows of a window; memory is that of one matrix of counts and `BLOCK` numbers.

    Attributes:
        rows: number of rows.
        counts: rows by feature and cell, in the narrowest type, (F, C).
        nonfinite: infinite values by feature, int64 (F,).
        mismatched: values of another type by feature, int64 (F,).
        low: smallest value by feature, where all of them may be the same; float64 (F,).
        high: the largest.
        repeated: rows that equal an earlier one of their block.
        compared: rows of complete blocks.
        columns: the last change of the columns that was seen.
        newest: by datetime column, its latest value and the median of the last batch.
    """

    def __init__(self, reference: Reference) -> None:
        """Start empty, for a reference."""
        self._reference = reference
        self.block = min(BLOCK, reference.rows)
        self._waiting: list[Floats] = []
        self._waiting_rows = 0
        self.clear()

    def clear(self) -> None:
        """Forget all rows but those that wait for their block to fill."""
        features = len(self._reference.features)
        self.rows = self.repeated = self.compared = 0
        self.counts: Tally = nothing(self._reference.counts.shape)
        self.nonfinite: Counts = np.zeros(features, dtype=np.int64)
        self.mismatched: Counts = np.zeros(features, dtype=np.int64)
        self.low: Floats = np.full(features, np.nan)
        self.high: Floats = np.full(features, np.nan)
        self.columns = NO_CHANGES
        self.newest: dict[str, tuple[float, float]] = {}

    def forget_waiting(self) -> None:
        """Forget the rows of the block that is not full, too."""
        self._waiting = []
        self._waiting_rows = 0

    def add(self, binned: Binned) -> None:
        """Add a batch."""
        self.rows += binned.rows
        self.counts = added(self.counts, binned.counts, self.rows)
        self.nonfinite += binned.nonfinite
        self.mismatched += binned.mismatched
        np.fmin(self.low, binned.low, out=self.low)
        np.fmax(self.high, binned.high, out=self.high)
        if binned.columns is not NO_CHANGES and binned.columns != NO_CHANGES:
            self.columns = binned.columns
        for name, (newest, middle) in binned.newest.items():
            self.newest[name] = (max(newest, self.newest.get(name, (newest, 0.0))[0]), middle)
        self._compare(binned.hashes)

    @property
    def present(self) -> Counts:
        """Rows in which a feature has a value, int64 (F,)."""
        return np.asarray(self.counts.sum(1) - self.counts[:, MISSING])

    def _compare(self, hashes: Floats) -> None:
        if self._waiting_rows + len(hashes) < self.block:
            self._waiting.append(hashes)
            self._waiting_rows += len(hashes)
            return
        rows = np.concatenate([*self._waiting, hashes]) if self._waiting else hashes
        whole = len(rows) - len(rows) % self.block
        for first in range(0, whole, self.block):
            self.repeated += self._reference.same_rows(rows[first : first + self.block])
        self.compared += whole
        self._waiting = [rows[whole:].copy()] if whole < len(rows) else []
        self._waiting_rows = len(rows) - whole

    def snapshot(self) -> dict[str, Any]:
        """The sums as built-in types and arrays; the block that is not full is left out."""
        stored: dict[str, Any] = {name: getattr(self, name).copy() for name in _ARRAYS}
        newest = {name: list(pair) for name, pair in self.newest.items()}
        return {**stored, "rows": self.rows, "repeated": self.repeated, "compared": self.compared, "newest": newest}

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Take sums from `snapshot`.

        Raises:
            ValueError: they are of other features.
        """
        self.clear()
        types = {name: np.int64 if name == "counts" else getattr(self, name).dtype for name in _ARRAYS}
        arrays = {name: np.asarray(stored[name]).astype(types[name]) for name in _ARRAYS}
        for name, values in arrays.items():
            if values.shape != getattr(self, name).shape:
                raise ValueError(f"{name}: {values.shape} values, expected {getattr(self, name).shape}")
        for name, values in arrays.items():
            setattr(self, name, values)
        self.rows, self.repeated, self.compared = (int(stored[name]) for name in ("rows", "repeated", "compared"))
        self.counts = narrowed(self.counts, self.rows)
        self.newest = {name: (float(newest), float(middle)) for name, (newest, middle) in stored["newest"].items()}
