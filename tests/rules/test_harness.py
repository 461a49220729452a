"""The tests of alerts can fail: a wrong expectation is found, in both directions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otelml.rules.limits import default_limits
from otelml.rules.packs import gpu
from otelml.rules.promql import Series
from otelml.semconv import attributes as names
from otelml.semconv.metrics import HW_GPU_MEMORY_UTILIZATION
from tests.rules.promtool import Case, gauge, made, run

FULL = made(Series(HW_GPU_MEMORY_UTILIZATION), {names.HW_ID: "GPU-1"}, gauge((30, 0.99)))
FIRES = Case("full", "GpuMemoryNearlyFull", 1, 29, [FULL])


@pytest.mark.parametrize("wrong", [replace(FIRES, fires=0), replace(FIRES, fires=2), replace(FIRES, series=[])])
def test_wrong_expectations_are_found(wrong: Case, tmp_path: Path) -> None:
    """An alert that fires against the expectation, or does not, fails the test."""
    groups = [gpu.group(default_limits()["gpu"])]
    run(tmp_path, groups, [FIRES])
    with pytest.raises(AssertionError, match="FAILED"):
        run(tmp_path, groups, [wrong])
