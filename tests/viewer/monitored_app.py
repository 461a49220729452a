"""Telemetry as a program sends it whose models are watched, from what its monitors say, exported over real OTLP."""

from __future__ import annotations

from collections.abc import Sequence

from otelml.observations import Finding, ModelState, ReferenceChange
from otelml.observations.findings import DriftFinding, QualityFinding
from otelml.observations.model import ModelIdentity
from otelml.observations.states import DriftState, QualityCount
from otelml.semconv.attributes import DataQualityCheckName as Check
from otelml.semconv.attributes import DataQualityCheckResult as Result
from otelml.semconv.attributes import DriftMethod, DriftReferenceState, DriftType
from otelml.semconv.attributes import DriftState as State
from otelml.telemetry.monitoring import MonitoringTelemetry
from tests.viewer.churn_app import ChurnApp

MODEL = ModelIdentity(name="churn", version="7", system="scikit-learn")
SENTENCE = (
    "Feature 'monthly_charges' has drifted: its values are higher, by 0.34 of their usual spread. "
    "Moved most: 106.85 to 147: 5.0% -> 30.5%; 25 to 35: 5.0% -> 13.1%; 20.05 to 20.55: 5.4% -> 0.0%. "
    "Compared: 259 rows."
)
QUALITY_SENTENCE = "Feature 'tenure' has missing values in 18.4% of 1,000 rows, at most 2.0% are expected."


class MonitoredApp:
    """A process whose monitors say this; `close` flushes."""

    def __init__(
        self,
        endpoint: str,
        drift: Sequence[DriftState] = (),
        quality: Sequence[QualityCount] = (),
        predictions: dict[str, float] | None = None,
        findings: Sequence[Finding] = (),
        changes: Sequence[ReferenceChange] = (),
        service: str = "churn-api",
    ) -> None:
        self._app = ChurnApp(endpoint, service)
        telemetry = MonitoringTelemetry(self._app.metrics, self._app.logs)
        self._state = ModelState(MODEL, "fit", 1.0, tuple(drift), tuple(quality), (), predictions or {})
        telemetry.read(self)
        for change in changes:
            telemetry.reference_changed(MODEL, change)
        for finding in findings:
            telemetry.found(MODEL, "fit", finding)

    def model_states(self) -> list[ModelState]:
        """What is read when metrics are collected."""
        return [self._state]

    def close(self) -> None:
        """Send what is left and stop."""
        self._app.close()


def feature(name: str, state: str, psi: float = 0.01) -> DriftState:
    """The state of a feature's check."""
    return DriftState(DriftType.FEATURE, name, DriftMethod.KS, state, {DriftMethod.PSI: psi, DriftMethod.KS: psi / 4})


def drift_finding(name: str, state: str, sentence: str = "It has.") -> DriftFinding:
    """The finding that a feature is in a state from now on."""
    return DriftFinding(
        type=DriftType.FEATURE,
        feature=name,
        method=DriftMethod.KS,
        state=state,
        previous=State.OK,
        score=1.16,
        threshold=0.1,
        p_value=1e-9,
        window_rows=259,
        window_start=None,
        window_end=None,
        moved=(),
        message=sentence,
    )


def drifting(endpoint: str) -> None:
    """Run a process that has found drift in one feature, a little change in another and missing values in a third."""
    app = MonitoredApp(
        endpoint,
        drift=[
            feature("tenure", State.OK),
            feature("monthly_charges", State.DRIFTED, 1.16),
            feature("contract", State.WARNING, 0.06),
            DriftState(DriftType.DEPENDENCE, None, DriftMethod.RANK_CORRELATION, State.OK, {}),
            DriftState(DriftType.PREDICTION, None, DriftMethod.CHI_SQUARE, State.WARMING_UP, {}),
        ],
        quality=[QualityCount(Check.RANGE, 3, 0, 0), QualityCount(Check.NOT_NULL, 1, 2, 130)],
        predictions={"confidence": 0.795, "entropy": 0.614, "near_threshold": 0.088},
        findings=[
            drift_finding("monthly_charges", State.DRIFTED, SENTENCE),
            QualityFinding(Check.NOT_NULL, "tenure", Result.FAIL, 184, 1000, QUALITY_SENTENCE, 0.184, 0.02),
        ],
        changes=[
            ReferenceChange("fit", DriftReferenceState.TAKEN, None, 5282, 3),
            ReferenceChange("live", DriftReferenceState.REFUSED, "version 9 is newer than this release reads (1)"),
        ],
    )
    app.close()
