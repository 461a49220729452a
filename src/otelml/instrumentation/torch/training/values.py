"""The losses and gradient norms of one step, which may arrive after it has ended."""

from __future__ import annotations

from otelml.instrumentation.torch.training.anomalies import Watch
from otelml.telemetry.training import TrainingRun


class StepValues:
    """Holds values until it is known which run the step belongs to."""

    __slots__ = ("_loss", "_norm", "_run", "_watch", "scaling")

    def __init__(self) -> None:
        self._loss: list[float] = []
        self._norm: list[float] = []
        self._run: TrainingRun | None = None
        self._watch: Watch | None = None
        self.scaling = False

    def loss(self, value: float) -> None:
        """Take the value of a loss."""
        if self._run is None or self._watch is None:
            self._loss.append(value)
            return
        self._run.loss(value)
        watch = self._watch
        if watch.calm and value - value == 0:  # finite, which nearly all are
            return
        wrong = watch.loss(value)
        is_new = watch.is_new("loss", wrong)
        if wrong is not None:
            self._run.anomaly(wrong, tell=is_new, loss=value)

    def norm(self, value: float) -> None:
        """Take the norm of the gradients."""
        if self._run is None or self._watch is None:
            self._norm.append(value)
            return
        self._run.gradient_norm(value)
        wrong = self._watch.norm(value, scaling=self.scaling)
        is_new = self._watch.is_new("norm", wrong)
        if wrong is not None:
            self._run.anomaly(wrong, tell=is_new, norm=value)

    def belong_to(self, run: TrainingRun, watch: Watch) -> None:
        """Report what has arrived, and what will, to the run that the step was of."""
        self._run, self._watch = run, watch
        for value in self._loss:
            self.loss(value)
        for value in self._norm:
            self.norm(value)
