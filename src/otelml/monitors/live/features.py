"""What a model is given, compared with a reference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from otelml.monitors.data_quality import DataQualityMonitor
from otelml.monitors.drift import DriftMonitor
from otelml.monitors.reference import Reference
from otelml.monitors.tallies import Tally, added, narrowed, nothing
from otelml.observations import FeatureBins, Finding


class FeatureMonitors:
    """The features of one model.

    Attributes:
        reference: what they are compared with.
        name: where the reference comes from: `fit`, `describe`, `live`, or the name of a file.
        drift: the monitor of their distributions.
        quality: the monitor of broken data.
        totals: rows by feature and cell since the start, in the narrowest type, (F, C).
        rows: number of rows since the start.
    """

    def __init__(self, reference: Reference, name: str, options: Mapping[str, Any]) -> None:
        """Compare with a reference.

        Args:
            reference: the profile of the training data.
            name: where it comes from.
            options: of the drift monitor.
        """
        self.reference = reference
        self.name = name
        self.drift = DriftMonitor(reference, **options)
        self.quality = DataQualityMonitor(reference)
        self.totals: Tally = nothing(reference.counts.shape)
        self.rows = 0

    def update(self, table: Any, start: datetime, end: datetime) -> list[Finding]:
        """Take rows.

        Args:
            table: a few rows, of any type that a reference bins.
            start: when the first of them came.
            end: when the last of them came.
        """
        binned = self.reference.bin(table, with_codes=self.drift.wants_codes)
        self.rows += binned.rows
        self.totals = added(self.totals, binned.counts, self.rows)
        return [*self.quality.update_binned(binned), *self.drift.update_binned(binned, start, end)]

    def reset(self) -> None:
        """Forget the rows, but not the reference."""
        self.drift.reset()
        self.quality.reset()
        self.totals, self.rows = nothing(self.totals.shape), 0

    def restore(self, totals: Any) -> None:
        """Take the totals of a snapshot.

        Raises:
            ValueError: they are of another reference.
        """
        counts = np.asarray(totals).astype(np.int64)
        if counts.shape != self.totals.shape:
            raise ValueError("the stored reference is not this model's")
        # Values of a column that has vanished are counted nowhere, so the fullest column has as many as there are rows.
        self.rows = int(counts.sum(axis=1).max(initial=0))
        self.totals = narrowed(counts, self.rows)

    def bins(self, most: int) -> tuple[FeatureBins, ...]:
        """The rows by cell, of the first features.

        Args:
            most: number of features.
        """
        return tuple(self._bins(number) for number in range(min(most, len(self.reference.features))))

    def _bins(self, number: int) -> FeatureBins:
        reference, valid = self.reference, self.reference.valid[number]
        labels = np.array(reference.labels(number), dtype=object)[valid]
        shares = reference.counts[number][valid] / max(reference.rows, 1)
        name = reference.features[number].name
        return FeatureBins(name, tuple(labels), tuple(self.totals[number][valid].tolist()), tuple(shares.tolist()))
