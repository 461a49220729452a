"""What the telemetry says about the models: the rows that every page and terminal shows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from otelml.semconv.metrics import Metric
from otelml.viewer import query
from otelml.viewer.distribution import Distribution
from otelml.viewer.records import Point, Span
from otelml.viewer.store import TelemetryStore

_CALL = (names.ML_MODEL_NAME, names.ML_MODEL_VERSION, names.ML_OPERATION_NAME, names.ML_OPERATION_METHOD)
_MODEL = _CALL[:2]
_NO_VALUES = Distribution()

#: The upper bounds of the bins that ml.prediction.score.bin has for probabilities.
PROBABILITY_BINS = tuple(k / 20 for k in range(1, 21))


@dataclass(frozen=True, slots=True)
class CallRow:
    """The calls of one method of a model.

    Attributes:
        seconds: the time of all the calls together.
        latency: the durations of those calls whose duration was recorded.
        recorded: the share of calls whose duration is recorded at present; None if it isn't known.
    """

    model: str
    version: str
    operation: str
    method: str
    calls: int
    errors: int
    rows: int
    seconds: float
    latency: Distribution
    recorded: float | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """The fits or the evaluations of a model; ``scores`` are the newest results, by the name of the measure."""

    model: str
    version: str
    method: str
    runs: int
    errors: int
    seconds: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """How often a class was predicted, and its share of the model's predictions."""

    model: str
    version: str
    label: str
    predictions: int
    share: float


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """The scores that a method of a model returned.

    Attributes:
        bins: the upper bound of each bin, ascending, with the number of scores in it. Between 0 and 1 there are all 20
            bins that the convention has for probabilities; of other scores, those that aren't empty.
        missing: how many scores were not a number.
    """

    model: str
    version: str
    method: str
    bins: list[tuple[float, int]]
    missing: int


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """Exceptions that ended a call, of one type and with one message."""

    model: str
    operation: str
    type: str
    message: str
    count: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class FaultRow:
    """Faults of the instrumentation at one place, of one type; the application saw nothing of them."""

    site: str
    type: str
    count: int


def call_rows(store: TelemetryStore) -> list[CallRow]:
    """Return a row for each model, operation and method that was called for inference, the busiest first."""
    calls = store.streams(metrics.ML_INFERENCE_CALLS.name)
    errors = query.totals(_failed(calls), *_CALL)
    rows = _totals(store, metrics.ML_INFERENCE_SAMPLES)
    seconds = _totals(store, metrics.ML_INFERENCE_TIME)
    latency = query.distributions(store.streams(metrics.ML_INFERENCE_DURATION.name), *_CALL)
    recorded = query.means(
        [
            stream
            for stream in store.streams(metrics.ML_TELEMETRY_RECORDED.name)
            if stream.attributes.get(names.ML_TELEMETRY_SIGNAL) == names.TelemetrySignal.DURATION
        ],
        *_CALL,
    )
    return [
        CallRow(
            model,
            version,
            operation,
            method,
            calls=int(count),
            errors=int(errors.get(key, 0)),
            rows=int(rows.get(key, 0)),
            seconds=seconds.get(key, 0.0),
            latency=latency.get(key, _NO_VALUES),
            recorded=recorded.get(key),
        )
        for key, count in _largest_first(query.totals(calls, *_CALL))
        for model, version, operation, method in [key]
    ]


def run_rows(store: TelemetryStore) -> list[RunRow]:
    """Return a row for each model and method that was fitted or evaluated."""
    return [
        *_run_rows(store, metrics.ML_TRAINING_RUNS, metrics.ML_TRAINING_TIME, {}),
        *_run_rows(store, metrics.ML_EVALUATION_RUNS, metrics.ML_EVALUATION_TIME, _scores_of_models(store)),
    ]


def class_rows(store: TelemetryStore) -> list[ClassRow]:
    """Return a row for each class that a model predicted, the most frequent first."""
    counts = query.totals(store.streams(metrics.ML_INFERENCE_PREDICTIONS.name), *_MODEL, names.ML_PREDICTION_CLASS)
    of_model: Counter[tuple[str, ...]] = Counter()
    for (*model, _), count in counts.items():
        of_model[tuple(model)] += int(count)
    return [
        ClassRow(model, version, label, int(count), count / of_model[model, version])
        for (model, version, label), count in sorted(counts.items(), key=lambda item: (*item[0][:2], -item[1]))
    ]


def score_rows(store: TelemetryStore) -> list[ScoreRow]:
    """Return a row for each model and method that returned scores."""
    by = (*_MODEL, names.ML_OPERATION_METHOD)
    counts = query.totals(store.streams(metrics.ML_PREDICTION_SCORES.name), *by, names.ML_PREDICTION_SCORE_BIN)
    bins: defaultdict[tuple[str, str, str], dict[float, int]] = defaultdict(dict)
    for (model, version, method, upper), count in counts.items():
        bins[model, version, method][_number(upper)] = int(count)
    return [
        ScoreRow(model, version, method, *_bins_and_missing(of_row))
        for (model, version, method), of_row in bins.items()
    ]


def exception_rows(store: TelemetryStore) -> list[ExceptionRow]:
    """Return a row for each kind of exception that ended a call, the newest first."""
    rows: dict[tuple[str, ...], ExceptionRow] = {}
    for event in query.events(store.logs(), events.ML_OPERATION_EXCEPTION.name):
        model, operation, type_, message = (
            str(event.attributes.get(name, ""))
            for name in (names.ML_MODEL_NAME, names.ML_OPERATION_NAME, names.EXCEPTION_TYPE, names.EXCEPTION_MESSAGE)
        )
        key = (model, operation, type_, message)
        count = rows[key].count + 1 if key in rows else 1
        rows[key] = ExceptionRow(model, operation, type_, message, count, event.time_ns)
    return sorted(rows.values(), key=lambda row: -row.last_ns)


def fault_rows(store: TelemetryStore) -> list[FaultRow]:
    """Return a row for each kind of fault that the instrumentation had, the most frequent first."""
    counts = query.totals(store.streams(metrics.ML_TELEMETRY_FAULTS.name), names.ML_TELEMETRY_SITE, names.ERROR_TYPE)
    return [FaultRow(site, type_, int(count)) for (site, type_), count in _largest_first(counts)]


def example_traces(store: TelemetryStore) -> list[list[Span]]:
    """Return the newest trace in which a call succeeded and, if that is another, the newest in which one failed."""
    spans = [span for span in reversed(store.spans()) if names.ML_OPERATION_NAME in span.attributes]
    succeeded = next((span.trace_id for span in spans if not span.failed), None)
    failed = next((span.trace_id for span in spans if span.failed), None)
    return [store.trace(trace_id) for trace_id in dict.fromkeys((succeeded, failed)) if trace_id is not None]


def _run_rows(
    store: TelemetryStore, runs: Metric, time: Metric, scores: Mapping[query.Group, dict[str, float]]
) -> list[RunRow]:
    streams = store.streams(runs.name)
    errors = query.totals(_failed(streams), *_CALL)
    seconds = _totals(store, time)
    return [
        RunRow(
            model,
            version,
            method or operation,
            runs=int(count),
            errors=int(errors.get(key, 0)),
            seconds=seconds.get(key, 0.0),
            scores=scores.get((model, version), {}),
        )
        for key, count in _largest_first(query.totals(streams, *_CALL))
        for model, version, operation, method in [key]
    ]


def _scores_of_models(store: TelemetryStore) -> Mapping[query.Group, dict[str, float]]:
    whole = [
        stream
        for stream in store.streams(metrics.ML_EVALUATION_SCORE.name)
        if names.ML_SLICE_NAME not in stream.attributes
    ]
    scores: defaultdict[query.Group, dict[str, float]] = defaultdict(dict)
    for (model, version, name), value in query.newest(whole, *_MODEL, names.ML_EVALUATION_NAME).items():
        scores[model, version][name] = value
    return scores


def _failed(streams: Iterable[Point]) -> list[Point]:
    return [stream for stream in streams if names.ERROR_TYPE in stream.attributes]


def _totals(store: TelemetryStore, metric: Metric) -> dict[query.Group, float]:
    return query.totals(store.streams(metric.name), *_CALL)


def _largest_first(counts: dict[query.Group, float]) -> list[tuple[query.Group, float]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _bins_and_missing(counts: dict[float, int]) -> tuple[list[tuple[float, int]], int]:
    missing = sum(count for upper, count in counts.items() if math.isnan(upper))
    found = {upper: count for upper, count in counts.items() if not math.isnan(upper)}
    if found.keys() <= set(PROBABILITY_BINS):
        return [(upper, found.get(upper, 0)) for upper in PROBABILITY_BINS], missing
    return sorted(found.items()), missing


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
