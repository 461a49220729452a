"""What goes wrong in a run of training, told by its losses, gradient norms and waits."""

from __future__ import annotations

import math

from otelml.semconv.attributes import TrainingAnomalyType

_EXPLODED = 100.0
"""A norm is exploding when it is this many times the mean of those before it."""

_SEEN = 10
"""Norms that make a mean to compare with."""

_VANISHED = 1e-7

STALLED = 1_000_000_000
"""A wait for one batch is a stall when it takes this many ns at least, and this many times a step's mean duration:"""

_STALLED_STEPS = 10
_MEAN_WEIGHT = 0.05


class Watch:
    """Looks at one run. Each method returns what is wrong, and `is_new` says whether it was not wrong just before."""

    __slots__ = ("_mean_norm", "_norms", "_wrong")

    def __init__(self) -> None:
        self._norms = 0
        self._mean_norm = 0.0
        self._wrong: dict[str, str | None] = {}

    @property
    def calm(self) -> bool:
        """Whether nothing has ever been wrong."""
        return not self._wrong

    def is_fine(self, *about: str) -> bool:
        """Whether nothing was wrong the last time that these were judged."""
        return not any(self._wrong.get(each) for each in about)

    def loss(self, value: float) -> str | None:
        """Judge a loss."""
        if math.isnan(value):
            return TrainingAnomalyType.NAN_LOSS
        return TrainingAnomalyType.INF_LOSS if math.isinf(value) else None

    def norm(self, value: float, *, scaling: bool) -> str | None:
        """Judge the norm of the gradients.

        Args:
            value: the norm, before clipping.
            scaling: whether the loss is scaled, so that an infinite norm is how the scale is found.
        """
        if not math.isfinite(value):
            return None if scaling else TrainingAnomalyType.EXPLODING_GRADIENT
        if self._norms >= _SEEN and value > _EXPLODED * self._mean_norm:
            return TrainingAnomalyType.EXPLODING_GRADIENT
        self._norms += 1
        self._mean_norm += (value - self._mean_norm) * max(_MEAN_WEIGHT, 1 / self._norms)
        return TrainingAnomalyType.VANISHING_GRADIENT if value < _VANISHED else None

    def wait(self, data_wait: int, mean_step: float, *, first: bool) -> str | None:
        """Judge the wait of a step for its data.

        Args:
            data_wait: in ns.
            mean_step: the mean duration of a step, in seconds.
            first: whether the batch is the first of its loader, whose workers had to start.
        """
        stalled = not first and mean_step > 0 and data_wait > max(STALLED, _STALLED_STEPS * mean_step * 1e9)
        return TrainingAnomalyType.STALLED_DATA if stalled else None

    def is_new(self, about: str, wrong: str | None) -> bool:
        """Whether what is wrong about something differs from what was wrong the last time."""
        before = self._wrong.get(about)
        if before != wrong:
            self._wrong[about] = wrong
        return wrong is not None and wrong != before
