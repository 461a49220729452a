"""The rows about drift, data quality and predictions, from telemetry as a watched process sends it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.message import Message

from otelml.observations.states import QualityCount
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.attributes import DataQualityCheckName, DriftState
from otelml.viewer import monitoring
from otelml.viewer.livecheck import LiveCheck
from otelml.viewer.otlp import Signal
from otelml.viewer.otlp_body import JSON, decode_request
from otelml.viewer.receiver import OtlpReceiver
from otelml.viewer.store import TelemetryStore
from tests.viewer.monitored_app import QUALITY_SENTENCE, SENTENCE, MonitoredApp, drifting, feature

SECOND = 10**9


@pytest.fixture
def watched(endpoint: str, store: TelemetryStore) -> TelemetryStore:
    """A store that has heard of one process with drift."""
    drifting(endpoint)
    return store


def test_the_telemetry_of_these_tests_follows_the_convention() -> None:
    """What the viewer is tested with is what the convention declares."""
    findings = []
    check = LiveCheck()

    def sink(_signal: Signal, request: Message) -> None:
        findings.extend(check.check(request))

    with OtlpReceiver(sink) as receiver:
        drifting(receiver.http_endpoint)
    assert check.checked > 0
    assert [str(finding) for finding in findings if finding.level == "violation"] == []


def test_drift(watched: TelemetryStore) -> None:
    """Every check has a row with its state and scores, those that have found something first."""
    rows = monitoring.drift_rows(watched)
    assert {(row.model, row.version, row.reference) for row in rows} == {("churn", "7", "fit")}
    assert [(row.type, row.feature, row.state) for row in rows] == [
        ("feature", "monthly_charges", "drifted"),
        ("feature", "contract", "warning"),
        ("feature", "tenure", "ok"),
        ("dependence", "", "ok"),
        ("prediction", "", "warming_up"),
    ]
    assert rows[0].scores == {"psi": 1.16, "ks": 0.29}
    assert rows[-1].scores == {}


def test_drift_of_several_processes(endpoint: str, store: TelemetryStore) -> None:
    """Of processes that differ, the one that has found most counts; one that warms up takes nothing from another."""
    for state, psi in ((DriftState.OK, 0.01), (DriftState.DRIFTED, 0.4), (DriftState.WARMING_UP, 0.0)):
        MonitoredApp(endpoint, drift=[feature("tenure", state, psi)], service=f"churn-{state}").close()
    [row] = monitoring.drift_rows(store)
    assert (row.state, row.scores["psi"]) == ("drifted", 0.4)
    for state in (DriftState.OK, DriftState.WARMING_UP):
        MonitoredApp(endpoint, drift=[feature("contract", state)], service=f"churn-new-{state}").close()
    assert {row.feature: row.state for row in monitoring.drift_rows(store)} == {"tenure": "drifted", "contract": "ok"}


def status(process: str, state: str, second: int) -> Message:
    """An export request of a process in which a feature is in a state."""
    attributes = {
        names.ML_MODEL_NAME: "churn",
        names.ML_DRIFT_TYPE: "feature",
        names.ML_FEATURE_NAME: "tenure",
        names.ML_DRIFT_STATE: state,
    }
    point: dict[str, Any] = {
        "asInt": "1",
        "timeUnixNano": str(second * SECOND),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }
    metric = {"name": metrics.ML_DRIFT_STATUS.name, "sum": {"aggregationTemporality": 2, "dataPoints": [point]}}
    resource = {"attributes": [{"key": "service.instance.id", "value": {"stringValue": process}}]}
    body = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]}
    return decode_request(Signal.METRICS, json.dumps(body).encode(), JSON)


@pytest.mark.parametrize(("later", "state"), [(60, "drifted"), (600, "ok")])
def test_a_process_that_has_ended_counts_no_more(store: TelemetryStore, later: int, state: str) -> None:
    """What a process said minutes before all others is of a process that is gone."""
    store.add(Signal.METRICS, status("before", DriftState.DRIFTED, 1000))
    store.add(Signal.METRICS, status("after", DriftState.OK, 1000 + later))
    assert [row.state for row in monitoring.drift_rows(store)] == [state]


def test_data_quality(watched: TelemetryStore, endpoint: str) -> None:
    """Windows and violations are summed over processes, and the check that fails comes first."""
    MonitoredApp(
        endpoint, quality=[QualityCount(DataQualityCheckName.NOT_NULL, 5, 1, 70)], service="churn-batch"
    ).close()
    assert [(row.check, row.windows, row.failed, row.violations) for row in monitoring.quality_rows(watched)] == [
        ("not_null", 9, 3, 200),
        ("range", 3, 0, 0),
    ]


def test_predictions(watched: TelemetryStore, endpoint: str) -> None:
    """The gauges of a model are one row: means over processes, and None for what nobody said."""
    MonitoredApp(endpoint, predictions={"confidence": 0.705}, service="churn-batch").close()
    [row] = monitoring.prediction_rows(watched)
    assert (row.model, row.version, row.entropy, row.near_threshold) == ("churn", "7", 0.614, 0.088)
    assert row.confidence == pytest.approx(0.75)


def test_findings(watched: TelemetryStore) -> None:
    """Each event that says something in words is a row, the newest first; a reference that was taken says nothing."""
    rows = monitoring.finding_rows(watched)
    assert [(row.feature, row.state, row.sentence) for row in rows] == [
        ("tenure", "fail", QUALITY_SENTENCE),
        ("monthly_charges", "drifted", SENTENCE),
        ("", "refused", "version 9 is newer than this release reads (1)"),
    ]


def test_an_empty_store_has_no_rows(store: TelemetryStore) -> None:
    """Nothing received is nothing to show."""
    for rows in (
        monitoring.drift_rows,
        monitoring.quality_rows,
        monitoring.prediction_rows,
        monitoring.finding_rows,
    ):
        assert rows(store) == []
