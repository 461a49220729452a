"""The demo's comparison of what was sent with what was seen."""

from __future__ import annotations

import pytest

from otelml.cli.demo_checks import arrived, settled
from otelml.semconv import attributes as names
from otelml.viewer.receiver import OtlpReceiver
from otelml.viewer.records import LogRecord, Point
from otelml.viewer.store import TelemetryStore
from tests.viewer.churn_app import ChurnApp
from tests.viewer.monitored_app import MonitoredApp, drift_finding, feature

SCORES = [0.04, 0.05, 0.51, 1.0]
CALLS = ["predict calls", "predict spans inside requests"]


@pytest.fixture
def store() -> TelemetryStore:
    """What arrived of four good requests and one that made the model raise."""
    store = TelemetryStore()
    with OtlpReceiver(store.add) as receiver:
        app = ChurnApp(receiver.http_endpoint)
        app.train(accuracy=0.8)
        app.serve([0.01] * len(SCORES), SCORES, failures=1)
        app.close()
    return store


def test_everything_arrived(store: TelemetryStore) -> None:
    """Every number is the same from outside and in the telemetry."""
    checks = arrived(store, {"200": 4, "500": 1})
    assert [check for check in checks if not check.holds] == []
    assert {check.what: check.seen for check in checks} == {
        "requests": 5,
        "predict calls": 5,
        "failed": 1,
        "predict spans inside requests": 5,
        "predicted classes": 4,
        "scores": 4,
        "exceptions": 1,
        "fit": 1,
        "faults of the telemetry": 0,
    }


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({"200": 4, "400": 1, "500": 1}, ["requests"]),
        ({"200": 4}, ["requests", *CALLS, "failed", "exceptions"]),
        ({"200": 3, "400": 1, "500": 1}, [*CALLS, "predicted classes", "scores"]),
    ],
)
def test_what_did_not_arrive_is_found(store: TelemetryStore, answers: dict[str, int], wrong: list[str]) -> None:
    """A number that differs is found, whichever side has more."""
    assert {check.what for check in arrived(store, answers, patience=0.3) if not check.holds} == set(wrong)


def test_a_span_outside_a_request_does_not_count() -> None:
    """Calls whose spans are not below a request's are seen as calls and not as part of a request."""
    store = TelemetryStore()
    with OtlpReceiver(store.add) as receiver:
        app = ChurnApp(receiver.http_endpoint)
        call = {names.ML_OPERATION_NAME: names.OperationName.PREDICT}
        app.traces.get_tracer("test").start_span("predict churn", attributes=call).end()
        app.close()
    [check] = [check for check in arrived(store, {"200": 1}) if check.what == "predict spans inside requests"]
    assert (check.sent, check.seen) == (1, 0)


CHANGED = ["contract", "monthly_charges"]


@pytest.mark.parametrize(
    ("drifted", "seen"),
    [(CHANGED, "contract, monthly_charges"), (["tenure", *CHANGED], "contract, monthly_charges, tenure"), ([], "")],
)
def test_drift_is_of_the_columns_that_have_changed(store: TelemetryStore, drifted: list[str], seen: str) -> None:
    """The events have to name all columns that have changed as drifted, and no others."""
    with OtlpReceiver(store.add) as receiver:
        findings = [drift_finding(name, "drifted") for name in drifted]
        MonitoredApp(receiver.http_endpoint, findings=[*findings, drift_finding("partner", "warning")]).close()
    [check] = [it for it in arrived(store, {"200": 4, "500": 1}, CHANGED) if it.what == "drift of"]
    assert (check.holds, check.seen) == (drifted == CHANGED, seen)
    if check.holds:
        assert str(check) == "drift of contract, monthly_charges"
    else:
        assert str(check) == f"drift of: contract, monthly_charges expected, {seen or 'nothing'} seen"


class WarmingUp(TelemetryStore):
    """What a store is when the first window is complete after the first look at it."""

    looked = False

    def hear(self, state: str) -> None:
        """Receive the state of a feature."""
        with OtlpReceiver(self.add) as receiver:
            MonitoredApp(receiver.http_endpoint, drift=[feature("tenure", state)]).close()

    def streams(self, metric: str) -> list[Point]:
        """Return the streams, and then receive the next state."""
        before = super().streams(metric)
        if not self.looked:
            self.looked = True
            self.hear("ok")
        return before


@pytest.mark.parametrize(("patience", "state"), [(0, "warming_up"), (30, "ok")])
def test_the_first_window_is_waited_for(patience: float, state: str) -> None:
    """With patience, features that warm up are asked again; without, what they say first is taken."""
    store = WarmingUp()
    store.hear("warming_up")
    assert [row.state for row in settled(store, patience)] == [state]


def test_a_process_without_monitors_is_not_waited_for_for_ever(store: TelemetryStore) -> None:
    """Where no monitor says anything, the waiting ends with the patience."""
    assert settled(store, patience=0.3) == []


class LateStore(TelemetryStore):
    """What a store is when telemetry arrives after the first look at it."""

    looked = False

    def logs(self) -> list[LogRecord]:
        """Return the log records, and then receive everything."""
        before = super().logs()
        if not self.looked:
            self.looked = True
            with OtlpReceiver(self.add) as receiver:
                app = ChurnApp(receiver.http_endpoint)
                app.train(accuracy=0.8)
                app.serve([0.01], [0.7])
                app.close()
        return before


@pytest.mark.parametrize(("patience", "complete"), [(0, False), (30, True)])
def test_telemetry_on_its_way_is_waited_for(patience: float, complete: bool) -> None:
    """With patience, what comes after the first look counts; without, it does not."""
    assert all(check.holds for check in arrived(LateStore(), {"200": 1}, patience=patience)) is complete
