"""The figures that the drift monitor promises, on the benchmark's table; the benchmark measures more of them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pandas")

from benchmarks.drift import tables
from otelml.monitors import DriftMonitor, Reference

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("rows", [200, 1_000, 10_000])
def test_false_alarms(rows: int) -> None:
    """At most 5 in 1,000 windows without drift raise anything, over ten references."""
    raised = 0
    for seed in range(10):
        rng = np.random.default_rng([seed, rows])
        monitor = DriftMonitor(Reference.build(tables.table(rng, 10_000)), windows=(rows,))
        for _ in range(100):
            monitor.reset()
            raised += bool(monitor.update(tables.table(rng, rows)))
    assert raised <= 5


@pytest.mark.parametrize(
    ("name", "rows"), [(name, rows) for name, change in tables.CHANGES.items() for rows in change.least]
)
def test_power(name: str, rows: int) -> None:
    """At least the promised share of changed columns is found, less what 280 windows may miss by chance."""
    change = tables.CHANGES[name]
    found = windows = 0
    for seed in range(4):
        rng = np.random.default_rng([seed, rows])
        monitor = DriftMonitor(Reference.build(tables.table(rng, 10_000)), windows=(rows,))
        for column, window in tables.changed(rng, change, rows, 70):
            monitor.reset()
            findings = monitor.update(window)
            found += any(each.feature == column or each.type == "dependence" for each in findings)
            windows += 1
    least = change.least[rows]
    assert found / windows >= least - 2 * np.sqrt(least * (1 - least) / windows)
