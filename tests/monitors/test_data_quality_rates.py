"""Chance alone makes no check fail more often than the set rate; real changes do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from otelml.monitors.data_quality import DataQualityMonitor
from otelml.monitors.reference import Reference

TIGHT = dict.fromkeys(("not_null", "range", "category", "type", "finite", "unique"), 0.0)


def rows(number: int, rng: np.random.Generator) -> dict[str, npt.NDArray[np.generic]]:
    """Columns with rates of all sizes: missing 0 to 50%, heavy tails, rare categories."""
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for at, rate in enumerate((0.0, 0.001, 0.02, 0.5)):
        values = rng.standard_t(3, number)
        values[rng.random(number) < rate] = np.nan
        columns[f"v{at}"] = values
    for at, rate in enumerate((0.0005, 0.01, 0.1)):
        columns[f"c{at}"] = np.where(rng.random(number) < rate, rng.integers(0, 10**9, number).astype(str), "known")
    return columns


@pytest.mark.parametrize("window", [200, 1_000])
def test_chance_fails_no_check(window: int) -> None:
    """Without any tolerance, by the tests alone, windows of the training distribution fail at most as often as set."""
    rng = np.random.default_rng(0)
    failed = total = 0
    for _ in range(4):
        reference = Reference.build(rows(3_000, rng))
        monitor = DataQualityMonitor(reference, window=window, tolerances=TIGHT, false_alarm_rate=0.05)
        for _ in range(60):
            failed += any(finding.result == "fail" for finding in monitor.update(rows(window, rng)))
            monitor.reset()
            total += 1
    assert failed <= 0.05 * total


def test_a_sure_but_small_rise_is_tolerated() -> None:
    """With many rows, a rise within the tolerance is no fault although it is no chance; one beyond it is."""
    rng = np.random.default_rng(0)
    monitor = DataQualityMonitor(Reference.build({"v": np.where(rng.random(200_000) < 0.2, np.nan, 1.0)}))
    assert monitor.update({"v": np.where(rng.random(200_000) < 0.207, np.nan, 1.0)}) == []
    assert len(monitor.update({"v": np.where(rng.random(200_000) < 0.215, np.nan, 1.0)})) == 1


def test_real_changes_are_found() -> None:
    """Five more points of missing values, or 1.5% of new categories, are found in 1,000 rows nearly always."""
    rng = np.random.default_rng(1)
    monitor = DataQualityMonitor(Reference.build(rows(10_000, rng)))
    found = {"v2": 0, "c0": 0}
    for _ in range(40):
        live = rows(1_000, rng)
        live["v2"][rng.random(1_000) < 0.05] = np.nan
        live["c0"][rng.random(1_000) < 0.015] = "new"
        findings = monitor.update(live)
        for name in found:
            found[name] += any(finding.feature == name for finding in findings)
        monitor.reset()
    assert min(found.values()) >= 36
