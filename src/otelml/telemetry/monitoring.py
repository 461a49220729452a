"""What monitors say and have counted, as events and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber, get_logger
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter
from opentelemetry.util.types import AttributeValue

from otelml._guard import guarded
from otelml._version import __version__
from otelml.observations import (
    DriftFinding,
    Finding,
    MeasurementSource,
    ModelIdentity,
    ModelState,
    QualityFinding,
    ReferenceChange,
)
from otelml.semconv import SCHEMA_URL, events, metrics
from otelml.semconv import attributes as names
from otelml.semconv.attributes import DataQualityCheckResult, DriftReferenceState, DriftState, DriftType
from otelml.semconv.events import Event
from otelml.semconv.metrics import Metric

SCOPE = "otelml.monitors"

_STATES = (DriftState.WARMING_UP, DriftState.OK, DriftState.WARNING, DriftState.DRIFTED)
_PREDICTIONS = {
    "confidence": metrics.ML_PREDICTION_CONFIDENCE,
    "entropy": metrics.ML_PREDICTION_ENTROPY,
    "near_threshold": metrics.ML_PREDICTION_NEAR_THRESHOLD_RATIO,
}

Attributes = dict[str, AttributeValue]
_Read = Callable[[ModelState], Iterable[Observation]]


class MonitoringTelemetry:
    """Emits findings as events, and reads the state of monitors when metrics are collected. A `FindingSink`."""

    def __init__(
        self, meter_provider: MeterProvider | None = None, logger_provider: LoggerProvider | None = None
    ) -> None:
        """Make the scope's meter and logger.

        Args:
            meter_provider: where metrics go; the global provider by default.
            logger_provider: likewise for events.
        """
        self._logger = get_logger(SCOPE, __version__, logger_provider, SCHEMA_URL)
        self._meter = get_meter(SCOPE, __version__, meter_provider, SCHEMA_URL)
        self._states: list[ModelState] = []

    def read(self, source: MeasurementSource) -> None:
        """Have the state of these monitors read whenever metrics are collected; once for each source."""
        self._refresh(source)
        reads: tuple[tuple[Metric, _Read], ...] = (
            (metrics.ML_DRIFT_STATUS, _status),
            (metrics.ML_DRIFT_FEATURE_RATIO, _drifted_ratio),
            (metrics.ML_DATA_QUALITY_CHECKS, _checks),
            (metrics.ML_DATA_QUALITY_VIOLATIONS, _violations),
            (metrics.ML_FEATURE_VALUES, _values),
            (metrics.ML_FEATURE_REFERENCE_RATIO, _reference_ratios),
            (metrics.ML_TELEMETRY_RECORDED, _seen),
            *((metric, _prediction(name)) for name, metric in _PREDICTIONS.items()),
        )
        for metric, read in reads:
            self._observe(metric, read, is_last=metric is reads[-1][0])

    def _refresh(self, source: MeasurementSource) -> None:
        # The SDK calls instruments back in the order of their creation, one reader after the other (1.45): the first
        # one asks for the states, and the last one lets them go.
        @guarded
        def callback(_options: CallbackOptions) -> list[Observation]:
            self._states = list(source.model_states())
            return [observation for state in self._states for observation in _scores(state)]

        metrics.ML_DRIFT_SCORE.observe(self._meter, [lambda options: callback(options) or []])

    def _observe(self, metric: Metric, read: _Read, *, is_last: bool) -> None:
        @guarded
        def callback(_options: CallbackOptions) -> list[Observation]:
            # A list: a generator's body would run outside the guard.
            observations = [observation for state in self._states for observation in read(state)]
            if is_last:
                self._states = []  # texts and numbers of every bin: more than all that the monitors keep
            return observations

        metric.observe(self._meter, [lambda options: callback(options) or []])

    @guarded
    def found(self, model: ModelIdentity, reference: str, finding: Finding) -> None:
        """Emit the event of a finding."""
        about = {**_model(model), names.ML_DRIFT_REFERENCE_NAME: reference}
        if isinstance(finding, DriftFinding):
            drifted = finding.state == DriftState.DRIFTED
            self._emit(events.ML_DRIFT_RESULT, {**about, **_drift(finding)}, finding.message, warns=drifted)
        else:
            failed = finding.result == DataQualityCheckResult.FAIL
            attributes = {**_model(model), **_quality(finding)}
            self._emit(events.ML_DATA_QUALITY_RESULT, attributes, finding.message, warns=failed)

    @guarded
    def reference_changed(self, model: ModelIdentity, change: ReferenceChange) -> None:
        """Emit the event of a reference that was taken into use, or refused."""
        attributes = _known(
            {
                **_model(model),
                names.ML_DRIFT_REFERENCE_NAME: change.name,
                names.ML_DRIFT_REFERENCE_STATE: change.state,
                names.ML_DRIFT_REFERENCE_REASON: change.reason,
                names.ML_INPUT_FEATURE_COUNT: change.features,
                names.ML_EVALUATION_SAMPLE_COUNT: change.rows,
            }
        )
        refused = change.state == DriftReferenceState.REFUSED
        self._emit(events.ML_DRIFT_REFERENCE, attributes, change.reason, warns=refused)

    def _emit(self, event: Event, attributes: Attributes, message: str | None, *, warns: bool) -> None:
        severity = SeverityNumber.WARN if warns else SeverityNumber(event.severity_number)
        self._logger.emit(
            LogRecord(event_name=event.name, severity_number=severity, attributes=attributes, body=message)
        )


def _model(model: ModelIdentity) -> Attributes:
    return _known({names.ML_MODEL_NAME: model.name, names.ML_MODEL_VERSION: model.version})


def _known(attributes: dict[str, AttributeValue | None]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


def _drift(finding: DriftFinding) -> Attributes:
    return _known(
        {
            names.ML_DRIFT_TYPE: finding.type,
            names.ML_DRIFT_METHOD: finding.method,
            names.ML_FEATURE_NAME: finding.feature,
            names.ML_DRIFT_SCORE_VALUE: finding.score,
            names.ML_DRIFT_STATE: finding.state,
            names.ML_DRIFT_PREVIOUS_STATE: finding.previous,
            names.ML_DRIFT_THRESHOLD: finding.threshold,
            names.ML_DRIFT_P_VALUE: finding.p_value,
            names.ML_DRIFT_WINDOW_START: _iso(finding.window_start),
            names.ML_DRIFT_WINDOW_END: _iso(finding.window_end),
            names.ML_EVALUATION_SAMPLE_COUNT: finding.window_rows,
            names.ML_DRIFT_BINS: [f"{bin_.label}: {bin_.reference:.1%} -> {bin_.live:.1%}" for bin_ in finding.moved],
        }
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _quality(finding: QualityFinding) -> Attributes:
    return _known(
        {
            names.ML_DATA_QUALITY_CHECK_NAME: finding.check,
            names.ML_DATA_QUALITY_CHECK_RESULT: finding.result,
            names.ML_DATA_QUALITY_VIOLATION_COUNT: finding.violations,
            names.ML_DATA_QUALITY_RATE: finding.observed,
            names.ML_DATA_QUALITY_THRESHOLD: finding.expected,
            names.ML_DATASET_SAMPLE_COUNT: finding.rows,
            names.ML_FEATURE_NAME: finding.feature,
        }
    )


def _compared(state: ModelState) -> Attributes:
    return {**_model(state.model), **_known({names.ML_DRIFT_REFERENCE_NAME: state.reference})}


def _scores(state: ModelState) -> Iterator[Observation]:
    for check in state.drift:
        about = {**_compared(state), **_check(check.type, check.feature)}
        for method, score in check.scores.items():
            yield Observation(score, {**about, names.ML_DRIFT_METHOD: method})


def _status(state: ModelState) -> Iterator[Observation]:
    for check in state.drift:
        about = {**_compared(state), **_check(check.type, check.feature)}
        for possible in _STATES:
            yield Observation(int(check.state == possible), {**about, names.ML_DRIFT_STATE: possible})


def _check(type_: str, feature: str | None) -> Attributes:
    return _known({names.ML_DRIFT_TYPE: type_, names.ML_FEATURE_NAME: feature})


def _drifted_ratio(state: ModelState) -> Iterator[Observation]:
    features = [check.state for check in state.drift if check.type == DriftType.FEATURE]
    if features:
        yield Observation(features.count(DriftState.DRIFTED) / len(features), _compared(state))


def _checks(state: ModelState) -> Iterator[Observation]:
    for check in state.quality:
        about = {**_model(state.model), names.ML_DATA_QUALITY_CHECK_NAME: check.check}
        # Zeros, too: a backend that takes rates needs to see where a counter began.
        for result, count in ((DataQualityCheckResult.PASS, check.passed), (DataQualityCheckResult.FAIL, check.failed)):
            yield Observation(count, {**about, names.ML_DATA_QUALITY_CHECK_RESULT: result})


def _violations(state: ModelState) -> Iterator[Observation]:
    for check in state.quality:
        yield Observation(check.violations, {**_model(state.model), names.ML_DATA_QUALITY_CHECK_NAME: check.check})


def _values(state: ModelState) -> Iterator[Observation]:
    for feature in state.bins:
        about = {**_compared(state), names.ML_FEATURE_NAME: feature.feature}
        for label, count in zip(feature.labels, feature.counts, strict=True):
            if count:
                yield Observation(count, {**about, names.ML_FEATURE_BIN: label})


def _reference_ratios(state: ModelState) -> Iterator[Observation]:
    for feature in state.bins:
        about = {**_compared(state), names.ML_FEATURE_NAME: feature.feature}
        for label, ratio in zip(feature.labels, feature.ratios, strict=True):
            yield Observation(ratio, {**about, names.ML_FEATURE_BIN: label})


def _seen(state: ModelState) -> Iterator[Observation]:
    about = {
        names.ML_OPERATION_NAME: names.OperationName.DETECT_DRIFT,
        names.ML_SYSTEM_NAME: state.model.system,
        names.ML_TELEMETRY_SIGNAL: names.TelemetrySignal.ROWS,
    }
    yield Observation(state.share, {**_model(state.model), **about})


def _prediction(name: str) -> _Read:
    def read(state: ModelState) -> Iterator[Observation]:
        if name in state.predictions:
            yield Observation(state.predictions[name], _model(state.model))

    return read
