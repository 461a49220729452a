"""One column of what a model returns, watched for drift."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml.monitors.drift import DriftMonitor
from otelml.monitors.reference import Reference
from otelml.monitors.reference.layout import Binned
from otelml.observations import DriftFinding


class Stream:
    """One column of outputs, compared with the first of them that were seen.

    The predictions on the training data would be no reference: a forest is much surer of rows that it has learned.

    Attributes:
        monitor: the drift monitor; None until there are enough outputs for a reference.
    """

    def __init__(self, type_: str, reference_rows: int, options: Mapping[str, Any]) -> None:
        self._type = type_
        self._needed = reference_rows
        self._options = options
        self._first: list[Any] = []
        self.monitor: DriftMonitor | None = None

    def update(self, outputs: list[Any], start: datetime, end: datetime) -> list[DriftFinding]:
        """Take further outputs: texts (classes) or floats."""
        if self.monitor is None:
            self._first.extend(outputs)
            if len(self._first) >= self._needed:
                self.watch(Reference.build(_column(self._first), feature_names=[self._type]))
                self._first.clear()
            return []
        return self._compared(self.monitor.reference.bin(_column(outputs)), start, end)

    def _compared(self, binned: Binned, start: datetime, end: datetime) -> list[DriftFinding]:
        return [] if self.monitor is None else self.monitor.update_counts(binned.counts, binned.rows, start, end)

    def watch(self, reference: Reference) -> DriftMonitor:
        """Compare with this reference from now on."""
        self.monitor = DriftMonitor(reference, type=self._type, **self._options)
        return self.monitor

    def reset(self) -> None:
        """Forget the outputs, but not the reference."""
        self._first.clear()
        if self.monitor is not None:
            self.monitor.reset()


def _column(outputs: list[Any]) -> npt.NDArray[Any]:
    texts = bool(outputs) and isinstance(outputs[0], str)
    return np.array(outputs, dtype=object if texts else np.float64)
