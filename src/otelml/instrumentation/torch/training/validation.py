"""A pass over data that is not trained on, inside a training loop."""

from __future__ import annotations

from otelml.observations.training import Validation
from otelml.telemetry.training import TrainingRun


class ValidationPass:
    """A pass over data that is not trained on.

    Attributes:
        samples: number of samples so far.
        sources: the loaders of its batches, by id.
        spent: ns so far.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._losses: list[float] = []
        self.samples = 0
        self.sources: set[int] = set()
        self.spent = 0

    def take_loss(self, value: float) -> None:
        """Take the value of the loss of a batch."""
        self._losses.append(value)

    def end(self) -> None:
        """Report the pass."""
        if self._run.declared.reports_epochs:
            return
        loss = sum(self._losses) / len(self._losses) if self._losses else None
        self._run.validated(Validation(self.spent * 1e-9, self.samples, loss))
