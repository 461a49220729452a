"""The state of the monitors survives a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otelml.instrumentation.sklearn import SklearnInstrumentor
from otelml.monitors.live import storage
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.monitors.live.conftest import Watch
from tests.monitors.live.test_serving import live, trained
from tests.support.telemetry import Telemetry


def counted(telemetry: Telemetry) -> float:
    """Number of live values of one feature."""
    values = telemetry.points(metrics.ML_FEATURE_VALUES.name)
    return sum(point.value for point in values if point.attributes[names.ML_FEATURE_NAME] == "age")


def test_a_restart_forgets_nothing(watch: Watch, telemetry: Telemetry, tmp_path: Path) -> None:
    """Half a window before the restart and half after it are one window, and the state is what it was."""
    before = watch(drift_windows="400")
    model = trained(name="churn")
    model.predict(live(200, income=2))
    model.predict_proba(live(1, income=2))
    before.save(tmp_path / "state.json")
    SklearnInstrumentor().uninstrument()
    telemetry.requests()

    restarted = watch(drift_windows="400")
    restarted.load(tmp_path / "state.json")
    model = trained(name="churn")
    model.predict(live(150, seed=2, income=2))
    restarted.model_states()
    assert not any(event.attributes.get(names.ML_DRIFT_STATE) for event in telemetry.events)
    model.predict(live(60, seed=3, income=2))
    restarted.model_states()
    states = {event.attributes.get(names.ML_FEATURE_NAME): event for event in telemetry.events}
    assert states["income"].attributes[names.ML_DRIFT_STATE] == "drifted"
    (state,) = [state for state in restarted.model_states() if state.model.name == "churn"]
    assert sum(state.bins[0].counts) == 410


def test_another_model_starts_anew(watch: Watch, tmp_path: Path) -> None:
    """A stored state is for the model of the same name, version and reference."""
    before = watch()
    trained(name="churn", version=1).predict(live(200))
    before.save(tmp_path / "state.json")
    SklearnInstrumentor().uninstrument()
    restarted = watch()
    restarted.load(tmp_path / "state.json")
    trained(name="churn", version=2).predict(live(30))
    (state,) = restarted.model_states()
    assert sum(state.bins[0].counts) == 30


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "holds no state of monitors"),
        ("[]", "holds no state of monitors"),
        ('{"otelml_monitors": 99, "models": []}', "newer release"),
    ],
)
def test_a_file_of_something_else(content: str, message: str, watch: Watch, tmp_path: Path) -> None:
    """It is refused, and what was counted stays."""
    monitors = watch()
    trained().predict(live(30))
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        monitors.load(tmp_path / "state.json")
    (state,) = monitors.model_states()
    assert sum(state.bins[0].counts) == 30


def test_a_broken_state_of_one_model(watch: Watch, telemetry: Telemetry, tmp_path: Path) -> None:
    """It is refused with its reason when the model is called, and the model starts anew."""
    monitors = watch()
    trained().predict(live(30))
    monitors.save(tmp_path / "state.json")
    stored: dict[str, Any] = json.loads((tmp_path / "state.json").read_text())
    stored["models"][0]["features"]["drift"]["features"] = ["other"]
    (tmp_path / "state.json").write_text(json.dumps(stored))
    monitors.load(tmp_path / "state.json")
    trained().predict(live(10))
    (state,) = monitors.model_states()
    assert sum(state.bins[0].counts) == 10
    refused = [e for e in telemetry.events if e.attributes.get(names.ML_DRIFT_REFERENCE_STATE) == "refused"]
    assert len(refused) == 1


def test_the_file_is_written_whole(watch: Watch, tmp_path: Path) -> None:
    """Nothing but the file is left, and it holds no rows."""
    monitors = watch()
    trained().predict(live(30))
    monitors.save(tmp_path / "state.json")
    monitors.save(tmp_path / "state.json")
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_windows_slide_by_setting(watch: Watch, telemetry: Telemetry, tmp_path: Path) -> None:
    """With four steps a window of 4,000 rows is judged each 1,000 rows, and a state is restored with the same steps."""
    before = watch(drift_windows="4000", drift_window_steps=4)
    model = trained(name="churn")
    for seed in range(4):
        model.predict(live(1000, seed))
    before.save(tmp_path / "state.json")
    SklearnInstrumentor().uninstrument()
    restarted = watch(drift_windows="4000", drift_window_steps=4)
    restarted.load(tmp_path / "state.json")
    model = trained(name="churn")
    model.predict(live(1000, seed=5, income=3))
    restarted.model_states()
    (drifted,) = [event for event in telemetry.events if event.attributes.get(names.ML_DRIFT_STATE) == "drifted"]
    assert drifted.attributes[names.ML_EVALUATION_SAMPLE_COUNT] == 4000
    (stored,) = storage.load(tmp_path / "state.json").values()
    (check, *_) = storage.revived(stored).features.drift.states  # type: ignore[union-attr]
    assert check.state == "ok"
