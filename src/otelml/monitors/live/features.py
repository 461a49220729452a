"""What a model is given, compared with a reference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from otelml.monitors.data_quality import DataQualityMonitor
from otelml.monitors.drift import DriftMonitor
from otelml.monitors.reference import Reference
from otelml.observations import FeatureBins, Finding


class FeatureMonitors:
    """The features of one model.

    Attributes:
        reference: what they are compared with.
        name: where the reference comes from: `fit`, `describe`, `live`, or the name of a file.
        drift: the monitor of their distributions.
        quality: the monitor of broken data.
        totals: rows by feature and cell since the start, int64 (F, C).
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
        self.totals = np.zeros_like(reference.counts)

    def update(self, table: Any, start: datetime, end: datetime) -> list[Finding]:
        """Take rows.

        Args:
            table: a few rows, of any type that a reference bins.
            start: when the first of them came.
            end: when the last of them came.
        """
        binned = self.reference.bin(table, with_codes=self.drift.wants_codes)
        self.totals += binned.counts
        return [*self.quality.update_binned(binned), *self.drift.update_binned(binned, start, end)]

    def reset(self) -> None:
        """Forget the rows, but not the reference."""
        self.drift.reset()
        self.quality.reset()
        self.totals[:] = 0

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
