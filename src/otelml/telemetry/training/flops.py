"""The floating-point operations of training, from what a model needs for a sample and the exact counts of the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from otelml._guard import guarded
from otelml._version import __version__
from otelml.semconv import SCHEMA_URL, metrics
from otelml.telemetry.handler import Telemetry
from otelml.telemetry.training.run import TrainingRun
from otelml.telemetry.training.series import TrainingSeries

SCOPE = "otelml.training"


class ModelFlops(NamedTuple):
    """What one model needs.

    Attributes:
        per_unit: operations of a forward and backward pass, for one unit.
        unit: what is counted of the loop: "tokens", "samples" or "microbatches", as `TrainingSeries` has them.
        peak: of the devices of the model together, in operations a second; None where it is not known.
    """

    per_unit: float
    unit: str
    peak: float | None = None


class _Read(NamedTuple):
    flops: float
    seconds: float


class TrainedModel(Protocol):
    """A model that a loop trains."""

    @property
    def run(self) -> TrainingRun | None:
        """Its run; None before its first step has ended."""


class TrainingFlops:
    """Reports the operations of the models that have been counted."""

    def __init__(self, telemetry: Telemetry) -> None:
        """Make the instruments.

        Args:
            telemetry: whose provider of metrics is used.
        """
        meter = get_meter(SCOPE, __version__, telemetry.providers[1], SCHEMA_URL)
        self._new: list[tuple[TrainedModel, ModelFlops]] = []
        self._models: dict[TrainingSeries, tuple[TrainedModel, ModelFlops]] = {}
        self._last: dict[TrainingSeries, _Read] = {}
        for metric, read in ((metrics.ML_TRAINING_FLOPS, self._flops), (metrics.ML_TRAINING_MFU, self._mfu)):
            metric.observe(meter, [_contained(read)])

    def add(self, trained: TrainedModel, model: ModelFlops) -> None:
        """Report a model from its first step on."""
        self._new.append((trained, model))

    def _current(self) -> list[tuple[TrainingSeries, ModelFlops]]:
        for entry in list(self._new):
            run = entry[0].run
            if run is not None:
                self._new.remove(entry)
                _, model = self._models.get(run.series, entry)  # models of one name count as the first of them
                self._models[run.series] = (entry[0], model)
        for trained, _ in self._models.values():
            if trained.run is not None:
                trained.run.collect()
        return [(series, model) for series, (_, model) in self._models.items()]

    def _flops(self) -> Iterator[Observation]:
        for series, model in self._current():
            flops = int(_done(series, model).flops)
            if flops:
                yield Observation(flops, series.attributes)

    def _mfu(self) -> Iterator[Observation]:
        for series, model in self._current():
            before, now = self._last.get(series, _Read(0, 0)), _done(series, model)
            spent = now.seconds - before.seconds
            if model.peak is not None and spent > 0:
                self._last[series] = now
                yield Observation((now.flops - before.flops) / spent / model.peak, series.attributes)


def _done(series: TrainingSeries, model: ModelFlops) -> _Read:
    with series.lock:
        return _Read(getattr(series, model.unit) * model.per_unit, sum(series.times) * 1e-9)


def _contained(read: Callable[[], Iterator[Observation]]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    @guarded
    def callback(_options: CallbackOptions) -> list[Observation]:
        return list(read())

    return lambda options: callback(options) or []
