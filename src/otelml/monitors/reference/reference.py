"""What the training data looked like: counts by bin and category, and nothing that could be traced to a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otelml.monitors.lazy import lazy
from otelml.monitors.reference.batches import Reader
from otelml.monitors.reference.binning import Binner
from otelml.monitors.reference.labels import labels_of
from otelml.monitors.reference.layout import (
    BINNED,
    LISTED,
    MISSING,
    SPECIAL,
    Binned,
    Codes,
    Counts,
    Feature,
    Flags,
    Floats,
    Plain,
)

if TYPE_CHECKING:
    from otelml.monitors.dependence import Dependence
    from otelml.monitors.reference.periods import Periods
    from otelml.monitors.reference.tables import Table


@dataclass(frozen=True, eq=False)
class Reference:
    """The profile of a table, and the one place that knows how to bin.

    Features stand in the order of the columns. All of them share one matrix: the first `C - 4` cells of a row are the
    feature's bins in order, or its categories by descending count; the last four are `MISSING`, `UNLISTED`, `BELOW`
    and `ABOVE`.

    Attributes:
        features: the profiled columns.
        rows: number of rows that were counted.
        counts: rows by feature and cell, int64 (F, C), or int32 where it was unpacked.
        centers: mean value of each bin in the unit of the feature, float64 (F, C), or float32 where it was unpacked and
            that is exact for the edges; NaN in all other cells.
        spread: robust scale by feature, float64 (F,): interquartile range over 1.349, else the standard deviation,
            else 1. Of text, of its length; of datetimes, in seconds; 1 for listed kinds.
        columns: number of columns of the training table.
        named: whether the columns have names of their own; else they are known by position.
        rare: a category is kept where it was seen at least that often.
        nonfinite: number of infinite training values by feature, int64 (F,).
        repeated: share of rows that equal an earlier one, in blocks of 256 rows.
        target: the profile of the target, a feature for each of its columns.
        dependence: how the leading features depend on each other.
        periods: counts by hour of the day or by weekday.
    """

    features: tuple[Feature, ...]
    rows: int
    counts: Counts
    centers: Floats
    spread: Floats
    columns: int
    named: bool
    rare: int
    nonfinite: Counts
    repeated: float = 0.0
    target: Reference | None = None
    dependence: Dependence | None = None
    periods: Periods | None = None

    @staticmethod
    def build(X: Any, **options: Any) -> Reference:
        """Profile a table; see `otelml.monitors.reference.build.build_reference` for the options."""
        from otelml.monitors.reference.build import build_reference

        return build_reference(X, **options)

    @lazy
    def valid(self) -> Flags:
        """Which cells a feature has, bool (F, C)."""
        width = self.counts.shape[1]
        cells = np.array([feature.cells for feature in self.features], dtype=np.intp)
        own = np.arange(width) < cells[:, None]
        own[:, width - SPECIAL : width - 2] = True  # missing and unlisted
        own[:, width - 2 :] = (np.isin([feature.kind for feature in self.features], list(BINNED)) & (cells > 0))[
            :, None
        ]
        return own

    @lazy
    def ordered(self) -> Flags:
        """Which features have bins in an order, bool (F,)."""
        return np.array([feature.kind not in LISTED for feature in self.features], dtype=bool)

    @property
    def omitted(self) -> int:
        """Number of columns that are not profiled because of the limits."""
        return self.columns - len(self.features)

    def bin(self, X: Any, *, with_codes: bool = False) -> Binned:
        """Count the rows of a batch by cell.

        Args:
            X: a table of any supported type, shape (n, columns); it is neither changed nor kept.
            with_codes: whether to return the cell of each value, too.

        Raises:
            TypeError: not a table.
        """
        return self._reader.bin(X, with_codes)

    def codes(self, X: Any) -> Codes:
        """The cell of each value of a batch, 0 to C-1, intp (n, F)."""
        return self._reader.codes(X)

    def bin_table(self, table: Table, *, with_codes: bool = False) -> Binned:
        """Count an opened table; see `bin`."""
        return self._reader.bin_table(table, with_codes)

    def same_rows(self, hashes: Floats) -> int:
        """How many rows equal another one that comes before, by the numbers in `Binned.hashes`."""
        return self._reader.same_rows(hashes)

    def labels(self, feature: int) -> tuple[str, ...]:
        """The cells of a feature as texts for people, one for each of the C cells."""
        return labels_of(self.features[feature], self.counts.shape[1], self.centers[feature])

    def merge(self, other: Reference) -> Reference:
        """A reference of the rows of both, with the bins of this one; see `otelml.monitors.reference.merging.merge`.

        Raises:
            ValueError: the features are not the same.
        """
        from otelml.monitors.reference.merging import merge

        return merge(self, other)

    def extended(self, X: Any, target: Any = None) -> Reference:
        """The same bins with the rows of another table counted, too, as `partial_fit` learns from a further part.

        Values of a column that the table lacks count as missing.

        Args:
            X: the further rows.
            target: their target; None: the profile of the target stays as it is.
        """
        binned = self.bin(X, with_codes=self.periods is not None)
        counts = binned.counts.copy()
        counts[:, MISSING] += binned.rows - counts.sum(1)
        known, periods = self.target, self.periods
        if periods is not None and binned.codes is not None and binned.periods is not None:
            periods = periods.with_rows(binned.codes, binned.periods)
        return replace(
            self,
            counts=self.counts + counts,
            rows=self.rows + binned.rows,
            nonfinite=self.nonfinite + binned.nonfinite,
            periods=periods,
            target=known if known is None or target is None else known.extended(target),
        )

    def to_dict(self) -> Plain:
        """As a dict of built-in types and arrays, which unpickles where otelml is absent."""
        from otelml.monitors.reference.packing import to_dict

        return to_dict(self)

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> Reference:
        """From `to_dict`.

        Raises:
            ValueError: from a newer version, or changed by somebody; the message names the field.
        """
        from otelml.monitors.reference.packing import from_dict

        return from_dict(plain)

    def to_json(self) -> str:
        """As JSON."""
        from otelml.monitors.reference.files import to_json

        return to_json(self)

    @staticmethod
    def from_json(text: str) -> Reference:
        """From `to_json`; errors as of `from_dict`."""
        from otelml.monitors.reference.files import from_json

        return from_json(text)

    def save(self, path: str | Path) -> None:
        """Write the reference to a JSON file."""
        from otelml.monitors.reference.files import save

        save(self, path)

    @staticmethod
    def load(path: str | Path) -> Reference:
        """Read a reference from a JSON file; errors as of `from_dict`, and `OSError`."""
        from otelml.monitors.reference.files import load

        return load(path)

    def with_counts(self, counts: Counts, rows: int) -> Reference:
        """The same bins with other counts."""
        return replace(self, counts=counts, rows=rows)

    @lazy
    def binner(self) -> Binner:
        """The edges, laid out for binning."""
        return Binner(self.features, self.counts.shape[1])

    @lazy
    def _reader(self) -> Reader:
        return Reader(self)

    def __getstate__(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
