"""Gradient norms are computed as often as the overhead budget allows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from otelml.instrumentation.torch.training import norms
from otelml.instrumentation.torch.training.loop import Loop
from otelml.instrumentation.torch.training.values import StepValues


@pytest.mark.parametrize(
    ("budget", "mean_step", "expected"),
    [(0.03, 100e-6, 500), (0.03, 10e-3, 10), (1.0, 100e-6, 10), (0.0, 100e-6, 1 << 62)],
)
def test_steps_between_norms(monkeypatch: pytest.MonkeyPatch, budget: float, mean_step: float, expected: int) -> None:
    """A norm of 100 us takes a tenth of 3% of short steps; before the twentieth, and of long steps, `every` counts."""
    now = 0

    def computed(*_: object) -> None:
        nonlocal now
        now += 100_000

    monkeypatch.setattr(norms, "read_norm", computed)
    monkeypatch.setattr(norms, "thread_time_ns", lambda: now)
    run: Any = SimpleNamespace(mean_step=mean_step)
    state, turns = Loop(), norms.Norms(10, budget)
    steps = []
    for _ in range(22):
        turns.read(state, run, None, StepValues())
        steps.append(state.norm_at + 1)
    assert steps[:20] == [10] * 20
    assert steps[20:] == pytest.approx([expected] * 2, abs=1)
