"""A module that was given a reference has its tabular inputs watched; others have not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

import otelml
from otelml import settings
from otelml.instrumentation.torch import TorchInstrumentor
from otelml.monitors.live import LiveMonitors
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.telemetry.monitoring import MonitoringTelemetry
from tests.support.telemetry import Telemetry

COLUMNS = ("age", "income", "tenure")


@pytest.fixture(autouse=True)
def _watched(telemetry: Telemetry) -> Iterator[None]:
    resolved = settings.resolve({"overhead_budget": 1, "drift_windows": "200"})
    emitting = MonitoringTelemetry(telemetry.meter_provider, telemetry.logger_provider)
    live = LiveMonitors(resolved, emitting)
    emitting.read(live)
    TorchInstrumentor().instrument(settings=resolved, monitors=live, **telemetry.providers)
    yield
    TorchInstrumentor().uninstrument()


def _rows(count: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    rows = np.random.default_rng(seed).normal(size=(count, 3))
    rows[:, 1] += shift
    return torch.tensor(rows, dtype=torch.float32)


@torch.no_grad()
def test_drift_of_a_modules_inputs(telemetry: Telemetry) -> None:
    """A reference that `describe` has left is what rows and batches are compared with."""
    module = nn.Linear(3, 2).eval()
    reference = _rows(3000, 0).numpy()
    otelml.describe(module, name="scorer", reference=reference, feature_names=COLUMNS)
    for seed in range(3):
        module(_rows(100, seed + 1, 1.5))
    for row in _rows(50, 9, 1.5):
        module(row[None])
    drifted = {
        event.attributes.get(names.ML_FEATURE_NAME)
        for event in telemetry.events
        if event.attributes.get(names.ML_DRIFT_STATE) == "drifted"
    }
    assert drifted == {"income"}
    values = telemetry.points(metrics.ML_FEATURE_VALUES.name)
    assert sum(p.value for p in values if p.attributes[names.ML_FEATURE_NAME] == "age") == 350


@torch.no_grad()
@pytest.mark.parametrize("shape", [(4, 3, 8, 8), (3,), (5, 3)])
def test_other_modules_and_inputs_are_left_alone(shape: tuple[int, ...], telemetry: Telemetry) -> None:
    """Images are no table, and a module without a reference is not watched."""
    module = nn.Flatten(0).eval()
    if len(shape) != 2:
        otelml.describe(module, reference=_rows(100, 0).numpy())
    module(torch.zeros(shape))
    assert telemetry.points(metrics.ML_FEATURE_VALUES.name) == []
