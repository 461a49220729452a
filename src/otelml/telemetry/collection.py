"""The exact counts, read when metrics are collected: one asynchronous instrument for each counter of the convention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar
from weakref import WeakSet

from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation

from otelml._guard import fault_counts, guarded
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric
from otelml.telemetry.families import EVALUATION, FAMILIES, INFERENCE, TRAINING, Family
from otelml.telemetry.labels import text
from otelml.telemetry.series import Series


class HasSeries(Protocol):
    """What the counts are read from."""

    def all_series(self) -> list[Series]:
        """The series there are now, all calls that have ended counted."""
        ...


_Read = Callable[[Series], Iterable[Observation]]


def register(meter: Meter, source: HasSeries) -> None:
    """Create the asynchronous instruments that read the counts of a source."""

    def observe(metric: Metric, read: _Read, families: Iterable[Family]) -> None:
        wanted = frozenset(families)

        @guarded
        def callback(_options: CallbackOptions) -> list[Observation]:
            # A list: a generator's body would run outside the guard.
            return [
                observation
                for series in source.all_series()
                if series.family in wanted and (series.calls or series.errors or series.tasks)
                for observation in read(series)
            ]

        metric.observe(meter, [lambda options: callback(options) or []])

    for family in set(FAMILIES.values()):
        observe(family.calls, _calls, [family])
        observe(family.time, _time, [family])
        if family.samples is not None:
            observe(family.samples, _samples, [family])
    observe(metrics.ML_INFERENCE_PREDICTIONS, _predictions, [INFERENCE])
    observe(metrics.ML_PREDICTION_SCORES, _scores, [INFERENCE])
    observe(metrics.ML_TRAINING_TASKS, _tasks, [TRAINING])
    observe(metrics.ML_TRAINING_TASK_TIME, _task_time, [TRAINING])
    observe(metrics.ML_EVALUATION_SCORE, _score, [EVALUATION])
    observe(metrics.ML_TELEMETRY_RECORDED, _recorded, FAMILIES.values())


_providers_with_faults: WeakSet[MeterProvider] = WeakSet()


def register_faults(meter: Meter, provider: MeterProvider) -> None:
    """Report the contained faults of the process, once for each provider: they belong to no single instrumentation."""
    if provider in _providers_with_faults:
        return
    _providers_with_faults.add(provider)

    def callback(_options: CallbackOptions) -> list[Observation]:
        return [
            Observation(count, {names.ML_TELEMETRY_SITE: site, names.ERROR_TYPE: error_type})
            for (site, error_type), count in fault_counts().items()
        ]

    metrics.ML_TELEMETRY_FAULTS.observe(meter, [callback])


_K = TypeVar("_K")
_V = TypeVar("_V")


def _copied(series: Series, counts: dict[_K, _V]) -> dict[_K, _V]:
    with series.lock:
        return dict(counts)


def _calls(series: Series) -> Iterator[Observation]:
    if series.calls:
        yield Observation(series.calls, series.attributes)
    for error_type, (calls, _) in _copied(series, series.errors).items():
        yield Observation(calls, {**series.attributes, names.ERROR_TYPE: error_type})


def _time(series: Series) -> Iterator[Observation]:
    attributes = {**series.attributes, **dict(series.family.time_attributes)}
    if series.calls:
        yield Observation(series.time, attributes)
    for error_type, (_, seconds) in _copied(series, series.errors).items():
        yield Observation(seconds, {**attributes, names.ERROR_TYPE: error_type})


def _samples(series: Series) -> Iterator[Observation]:
    if series.samples:
        yield Observation(series.samples, series.attributes)


def _predictions(series: Series) -> Iterator[Observation]:
    counts: dict[str, int] = {}
    # Labels of mixed types may read alike: 1 and "1" are one class to whoever looks at it.
    for label, count in _copied(series, series.classes).items():
        counts[text(label)] = counts.get(text(label), 0) + count
    for label, count in counts.items():
        yield Observation(count, {**series.attributes, names.ML_PREDICTION_CLASS: label})


def _scores(series: Series) -> Iterator[Observation]:
    for bin_, count in _copied(series, series.score_bins).items():
        yield Observation(count, {**series.attributes, names.ML_PREDICTION_SCORE_BIN: bin_})


def _recorded(series: Series) -> Iterator[Observation]:
    shares = (
        (names.TelemetrySignal.DURATION, series.budget.duration_share),
        (names.TelemetrySignal.SPAN, series.budget.span_share),
    )
    for signal, share in shares:
        yield Observation(share, {**series.attributes, names.ML_TELEMETRY_SIGNAL: signal})


def _tasks(series: Series) -> Iterator[Observation]:
    for (type_, name), (tasks, _) in _copied(series, series.tasks).items():
        yield Observation(tasks, {**series.attributes, **task_attributes(type_, name)})


def _task_time(series: Series) -> Iterator[Observation]:
    for (type_, name), (_, seconds) in _copied(series, series.tasks).items():
        yield Observation(seconds, {**series.attributes, **task_attributes(type_, name)})


def task_attributes(type_: str, name: str | None) -> dict[str, str]:
    """The attributes that tell a step or candidate of a fit."""
    attributes = {names.ML_TRAINING_TASK_TYPE: type_}
    if name is not None:
        attributes[names.ML_TRAINING_TASK_NAME] = text(name)
    return attributes


def _score(series: Series) -> Iterator[Observation]:
    model = {
        name: series.attributes[name]
        for name in (names.ML_MODEL_NAME, names.ML_MODEL_VERSION)
        if name in series.attributes
    }
    for name, value in _copied(series, series.evaluations).items():
        yield Observation(value, {**model, names.ML_EVALUATION_NAME: name})
