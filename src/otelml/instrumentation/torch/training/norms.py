"""When the norm of the gradients is computed: at every so many steps, as far as the overhead budget allows."""

from __future__ import annotations

from time import thread_time_ns
from typing import Any

from otelml.instrumentation.torch.training.gradients import read_norm
from otelml.instrumentation.torch.training.loop import Loop
from otelml.instrumentation.torch.training.values import StepValues
from otelml.telemetry.training import TrainingRun

_PART = 0.1
"""Of the overhead budget."""

_COST_FACTOR = 1.5
"""What computing a norm costs in all for what it takes itself: it passes over gradients that the caches had let go."""

_FIRST = 20
"""Norms that are computed whatever they cost, so that there is a mean to hold later ones against."""

_COST_WEIGHT = 1 / 8
_NEVER = 1 << 62


class Norms:
    """Computes norms of gradients, and says when the next one is due."""

    def __init__(self, every: int, overhead_budget: float) -> None:
        """Begin with the first norm.

        Args:
            every: steps from one norm to the next at least.
            overhead_budget: the share of the steps' time that telemetry may take, 0 to 1; at 1 `every` alone counts.
        """
        self._every = every
        self._budget = overhead_budget
        self._computed = 0
        self._cost = 0.0

    def read(self, state: Loop, run: TrainingRun | None, optimizer: Any, values: StepValues) -> None:
        """Have the norm of an optimizer's gradients taken by `values`, and the next one read when that is due."""
        state.norm_at = self._steps(run.mean_step if run is not None else 0.0) - 1
        began = thread_time_ns()
        read_norm(optimizer, state.scalars, values.norm)
        seconds = (thread_time_ns() - began) * 1e-9
        self._computed += 1
        self._cost += (seconds - self._cost) * max(_COST_WEIGHT, 1 / self._computed)

    def _steps(self, mean_step: float) -> int:
        if self._budget >= 1 or self._computed < _FIRST:
            return self._every
        affordable = self._budget * _PART * mean_step
        return max(self._every, int(self._cost * _COST_FACTOR / affordable) + 1 if affordable else _NEVER)
