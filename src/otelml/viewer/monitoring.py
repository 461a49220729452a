"""What monitors said about the data and the predictions of models: drift, data quality, confidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from otelml.semconv.attributes import DataQualityCheckResult, DriftState
from otelml.viewer import query
from otelml.viewer.records import Point
from otelml.viewer.store import TelemetryStore

STATES = (DriftState.WARMING_UP, DriftState.OK, DriftState.WARNING, DriftState.DRIFTED)
"""The states of a drift check, the least telling first: that one process warms up takes nothing from another."""

_SILENT_NS = 150 * 10**9
"""A process that has said nothing for longer than another, by two of the SDK's export intervals, has ended."""

_MODEL = (names.ML_MODEL_NAME, names.ML_MODEL_VERSION)
_CHECK = (*_MODEL, names.ML_DRIFT_REFERENCE_NAME, names.ML_DRIFT_TYPE, names.ML_FEATURE_NAME)


@dataclass(frozen=True, slots=True)
class DriftRow:
    """The state of one drift check, in the process where it tells the most.

    Attributes:
        reference: the name of what live data are compared with.
        type: what is compared, a value of `ml.drift.type`.
        feature: the name of the feature; empty where the check is not about one.
        state: a value of `ml.drift.state`.
        scores: the size of the change by `ml.drift.method`, the largest of any process.
    """

    model: str
    version: str
    reference: str
    type: str
    feature: str
    state: str
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class QualityRow:
    """What one data-quality check has counted: windows that it looked at, those that failed, values that violate it."""

    model: str
    version: str
    check: str
    windows: int
    failed: int
    violations: int


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """What the probabilities of a model look like over the last window, as the mean of its processes; None: not known.

    Attributes:
        confidence: the mean of the largest probability.
        entropy: the share of the largest possible entropy.
        near_threshold: the share of predictions near the decision threshold.
    """

    model: str
    version: str
    confidence: float | None
    entropy: float | None
    near_threshold: float | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """Something that a monitor had to say: a check has changed its state, or a reference is not all it could be.

    Attributes:
        feature: the feature that it is about; empty if it is not about one.
        state: a value of `ml.drift.state`, `ml.data_quality.check.result` or `ml.drift.reference.state`.
        sentence: the finding in words.
    """

    model: str
    version: str
    feature: str
    state: str
    sentence: str
    time_ns: int


def drift_rows(store: TelemetryStore) -> list[DriftRow]:
    """Return a row for each drift check, by model, those that have found something first."""
    states: defaultdict[query.Group, list[str]] = defaultdict(list)
    for stream in _of_living_processes(store.streams(metrics.ML_DRIFT_STATUS.name)):
        if stream.value == 1:
            *check, state = query.attributes_of(stream, *_CHECK, names.ML_DRIFT_STATE)
            states[tuple(check)].append(state)
    scores: defaultdict[query.Group, dict[str, float]] = defaultdict(dict)
    for stream in _of_living_processes(store.streams(metrics.ML_DRIFT_SCORE.name)):
        *check, method = query.attributes_of(stream, *_CHECK, names.ML_DRIFT_METHOD)
        if isinstance(stream.value, float):
            of_check = scores[tuple(check)]
            of_check[method] = max(stream.value, of_check.get(method, stream.value))
    rows = [
        DriftRow(model, version, reference, type_, feature, max(of_check, key=weight), scores.get(key, {}))
        for key, of_check in states.items()
        for model, version, reference, type_, feature in [key]
    ]
    return sorted(rows, key=lambda row: (row.model, row.version, -weight(row.state)))


def quality_rows(store: TelemetryStore) -> list[QualityRow]:
    """Return a row for each data-quality check, by model, the one that failed most often first."""
    by = (*_MODEL, names.ML_DATA_QUALITY_CHECK_NAME)
    windows: Counter[query.Group] = Counter()
    failed: Counter[query.Group] = Counter()
    counts = query.totals(store.streams(metrics.ML_DATA_QUALITY_CHECKS.name), *by, names.ML_DATA_QUALITY_CHECK_RESULT)
    for (*check, result), count in counts.items():
        windows[tuple(check)] += int(count)
        failed[tuple(check)] += int(count) if result == DataQualityCheckResult.FAIL else 0
    violations = query.totals(store.streams(metrics.ML_DATA_QUALITY_VIOLATIONS.name), *by)
    rows = [
        QualityRow(model, version, check, count, failed[key], int(violations.get(key, 0)))
        for key, count in windows.items()
        for model, version, check in [key]
    ]
    return sorted(rows, key=lambda row: (row.model, row.version, -row.failed, row.check))


def prediction_rows(store: TelemetryStore) -> list[PredictionRow]:
    """Return a row for each model that returns probabilities, once there is a window of them."""
    found = [
        query.means(_of_living_processes(store.streams(metric.name)), *_MODEL)
        for metric in (
            metrics.ML_PREDICTION_CONFIDENCE,
            metrics.ML_PREDICTION_ENTROPY,
            metrics.ML_PREDICTION_NEAR_THRESHOLD_RATIO,
        )
    ]
    return [
        PredictionRow(model, version, *(values.get((model, version)) for values in found))
        for model, version in sorted(set().union(*found))
    ]


def finding_rows(store: TelemetryStore) -> list[FindingRow]:
    """Return a row for each event that says something in words, the newest first."""
    state_of = {
        events.ML_DRIFT_RESULT.name: names.ML_DRIFT_STATE,
        events.ML_DATA_QUALITY_RESULT.name: names.ML_DATA_QUALITY_CHECK_RESULT,
        events.ML_DRIFT_REFERENCE.name: names.ML_DRIFT_REFERENCE_STATE,
    }
    rows = []
    for record in store.logs():
        if record.event_name in state_of and record.body:
            about = (*_MODEL, names.ML_FEATURE_NAME, state_of[record.event_name])
            model, version, feature, state = (str(record.attributes.get(name, "")) for name in about)
            rows.append(FindingRow(model, version, feature, state, str(record.body), record.time_ns))
    return sorted(reversed(rows), key=lambda row: -row.time_ns)


def weight(state: str) -> int:
    """How much a state tells; one that is not known comes last."""
    return STATES.index(state) if state in STATES else -1


def _of_living_processes(streams: Sequence[Point]) -> Iterable[Point]:
    newest = max((stream.time_ns for stream in streams), default=0)
    return (stream for stream in streams if newest - stream.time_ns <= _SILENT_NS)
