"""The steps between two spans of a training run, added up."""

from __future__ import annotations

from time import perf_counter_ns, time_ns

from opentelemetry.util.types import AttributeValue

from otelml.observations.training import StepTimes, TrainingStep
from otelml.semconv import attributes as names
from otelml.telemetry.training.log import Slice
from otelml.telemetry.training.series import PHASES


class Mean:
    """The mean of values as they come."""

    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0

    def add(self, value: float, count: int = 1) -> None:
        """Take one more value, or the sum of several."""
        self._count += count
        self._sum += value

    @property
    def value(self) -> float | None:
        """The mean; None where there was no value."""
        return self._sum / self._count if self._count else None


class Window:
    """Consecutive steps of one run.

    Attributes:
        began: when, by `perf_counter_ns`.
        began_at: when, in ns since the epoch.
        gradient_norm: the last one seen.
        index: of the window in its run.
        loss: the mean of its losses.
        steps: number of steps so far.
    """

    __slots__ = (
        "_filled",
        "_first_step",
        "_learning_rate",
        "_samples",
        "_settled_steps",
        "_settled_time",
        "_times",
        "_tokens",
        "began",
        "began_at",
        "gradient_norm",
        "index",
        "loss",
        "steps",
    )

    def __init__(self, index: int, first_step: int) -> None:
        self.index = index
        self._first_step = first_step
        self._filled = False
        self.began = perf_counter_ns()
        self.began_at = time_ns()
        self.steps = self._settled_steps = 0
        self._settled_time = 0
        self._times = [0] * len(PHASES)
        self._samples = self._tokens = 0
        self._learning_rate: float | None = None
        self.gradient_norm: float | None = None
        self.loss = Mean()

    def add(self, step: TrainingStep) -> None:
        """Take one step."""
        if not self._filled:  # the step began before it was added
            self._filled = True
            before = sum(step.times)
            self.began_at = time_ns() - before
            self.began = perf_counter_ns() - before
        self.steps += not step.skipped
        times, spent = self._times, step.times
        times[0] += spent[0]
        times[1] += spent[1]
        times[2] += spent[2]
        times[3] += spent[3]
        times[4] += spent[4]
        self._samples += step.samples
        self._tokens += step.tokens
        self._learning_rate = step.learning_rate

    def add_slice(self, added: Slice) -> None:
        """Take steps that were put aside."""
        if not self._filled:
            self._filled = True
            self.began_at = time_ns() - (perf_counter_ns() - added.began)
            self.began = added.began
        self.steps += added.steps
        self.add_times(added.times)
        self._samples += added.samples
        self._tokens += added.tokens
        self._learning_rate = added.learning_rate

    def add_times(self, spent: StepTimes) -> None:
        """Take time by phase."""
        times = self._times
        for phase, duration in enumerate(spent):
            times[phase] += duration

    def unsettled(self) -> tuple[int, int]:
        """The number and the ns of the steps since this was last asked."""
        total = sum(self._times)
        steps, spent = self.steps - self._settled_steps, total - self._settled_time
        self._settled_steps, self._settled_time = self.steps, total
        return steps, spent

    def attributes(self) -> dict[str, AttributeValue]:
        """What the window's span tells."""
        found: dict[str, AttributeValue | None] = {
            names.ML_TRAINING_WINDOW_INDEX: self.index,
            names.ML_TRAINING_STEP_INDEX: self._first_step,
            names.ML_TRAINING_STEP_COUNT: self.steps,
            names.ML_TRAINING_SAMPLE_COUNT: self._samples or None,
            names.ML_TRAINING_TOKEN_COUNT: self._tokens or None,
            names.ML_TRAINING_LOSS_VALUE: self.loss.value,
            names.ML_TRAINING_GRADIENT_NORM_VALUE: self.gradient_norm,
            names.ML_TRAINING_LEARNING_RATE_VALUE: self._learning_rate,
        }
        for phase, spent in zip(PHASES, self._times, strict=True):
            found[f"{names.ML_TRAINING_PHASE_TIME}.{phase}"] = spent * 1e-9
        return {name: value for name, value in found.items() if value is not None}
