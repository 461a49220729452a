"""Counts grow wider where they need to, and lose nothing."""

from __future__ import annotations

import numpy as np
import pytest

from otelml.monitors import DriftMonitor, Reference
from otelml.monitors.data_quality import DataQualityMonitor
from otelml.monitors.tallies import added, narrowed, nothing


@pytest.mark.parametrize(("rows", "width"), [(65_535, np.uint16), (65_536, np.uint32), (1 << 32, np.int64)])
def test_the_narrowest_type(rows: int, width: type) -> None:
    """A count may be as high as the number of rows."""
    assert narrowed(np.array([rows]), rows).dtype == width
    assert narrowed(np.array([rows]), rows)[0] == rows


def test_sums_beyond_each_type() -> None:
    """Half of it twice is all of it, at either limit, whatever type is added."""
    for half in (40_000, 3_000_000_000):
        total = added(nothing((2,)), np.array([half, 1], dtype=np.int64), half)
        total = added(total, narrowed(np.array([half, 1]), half), 2 * half)
        assert total.tolist() == [2 * half, 2]


def test_windows_of_many_rows_are_exact() -> None:
    """A batch of 70,000 equal rows is counted in one cell; drift and data quality say so in full."""
    reference = Reference.build(np.random.default_rng(0).normal(size=(2_000, 1)))
    drift, quality = DriftMonitor(reference, windows=(140_000,)), DataQualityMonitor(reference, window=140_000)
    for _ in range(2):
        binned = reference.bin(np.zeros((70_000, 1)))
        found, failed = drift.update_binned(binned), quality.update_binned(binned)
    (window,) = drift.deciding_windows[:1]
    assert window is not None
    assert window.counts.max() == window.rows == 140_000
    assert found[0].window_rows == 140_000
    assert "all 140,000 values are 0" in failed[0].message
    again = DriftMonitor(reference, windows=(140_000,))
    again.restore(drift.snapshot())
    assert again.states == drift.states
