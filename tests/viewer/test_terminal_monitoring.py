"""What the terminal shows of monitors."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from otelml.observations.states import DriftState as MonitorState
from otelml.observations.states import QualityCount
from otelml.semconv.attributes import DataQualityCheckName, DriftMethod, DriftState, DriftType
from otelml.viewer import monitoring, terminal
from otelml.viewer.store import TelemetryStore
from otelml.viewer.terminal_monitoring import features_sentence, findings_table
from tests.viewer.monitored_app import QUALITY_SENTENCE, SENTENCE, MonitoredApp, drifting, feature

Render = Callable[..., list[str]]


def columns(lines: list[str]) -> list[list[str]]:
    """The lines split where columns are."""
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


def test_drift_is_shown(endpoint: str, store: TelemetryStore, render: Render) -> None:
    """The dashboard says for a model what its monitors say, which features have changed, and the sentences."""
    drifting(endpoint)
    lines = render(terminal.dashboard(store), 120)
    shown = columns(lines)
    for expected in (
        ["churn 7", "drift (reference: fit)", "3 features, 1 has drifted, 1 has changed a little"],
        ["dependence of features", "ok"],
        ["predictions", "warming up"],
        ["data quality: not_null", "2 of 3 windows failed, 130 violations"],
        ["confidence", "mean 79.5%, entropy 61.4%, 8.8% near the threshold"],
        ["churn 7", "monthly_charges", "drifted", "1.16", "0.29"],
        ["churn 7", "contract", "warning", "0.06", "0.01"],
    ):
        assert expected in shown
    assert not any("tenure" in row and "ok" in row for row in shown)
    said = " ".join(" ".join(lines).split())
    assert QUALITY_SENTENCE in " ".join(render(findings_table(monitoring.finding_rows(store)), 400))
    assert SENTENCE.split(":")[0] in said
    assert "version 9 is newer than this release reads" in said


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits(endpoint: str, store: TelemetryStore, render: Render, width: int) -> None:
    """Nothing is wider than the terminal, and no sentence loses its end."""
    drifting(endpoint)
    lines = render(terminal.dashboard(store), width)
    assert max(map(len, lines)) <= width
    assert "rows." in " ".join(lines)
    assert "…" not in "".join(lines)


def test_nothing_to_report(endpoint: str, store: TelemetryStore, render: Render) -> None:
    """Where no check has found anything, that is what is said, in one line for each kind."""
    drift = [feature("tenure", DriftState.OK), feature("contract", DriftState.WARMING_UP)]
    MonitoredApp(endpoint, drift, [QualityCount(DataQualityCheckName.RANGE, 1, 0, 0)]).close()
    lines = render(terminal.dashboard(store))
    assert columns(lines)[-2:] == [
        ["churn 7", "drift (reference: fit)", "2 features, none has drifted"],
        ["data quality", "1 check, none has failed"],
    ]


def test_before_the_first_window(endpoint: str, store: TelemetryStore, render: Render) -> None:
    """Before there is a window to judge, the monitors are warming up; labels, which may never come, are left out."""
    quality = [QualityCount(check, 0, 0, 0) for check in (DataQualityCheckName.RANGE, DataQualityCheckName.UNIQUE)]
    labels = MonitorState(DriftType.LABEL, None, DriftMethod.CHI_SQUARE, DriftState.WARMING_UP, {})
    MonitoredApp(endpoint, [feature("tenure", DriftState.WARMING_UP), labels], quality).close()
    assert columns(render(terminal.dashboard(store)))[-2:] == [
        ["churn 7", "drift (reference: fit)", "1 feature, warming up"],
        ["data quality", "2 checks, warming up"],
    ]


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        (["ok"] * 19, "19 features, none has drifted"),
        (["drifted"] * 2 + ["ok"] * 17, "19 features, 2 have drifted"),
        (["warning"] * 2, "2 features, 2 have changed a little"),
        (["warming_up"], "1 feature, warming up"),
    ],
)
def test_the_sentence_about_features(states: list[str], sentence: str) -> None:
    """How many have drifted is said in one sentence."""
    rows = [monitoring.DriftRow("m", "", "fit", "feature", "x", state, {}) for state in states]
    assert features_sentence(rows).plain == sentence


def test_many_findings_are_cut(render: Render) -> None:
    """Of many findings the newest are shown, and how many more there are."""
    rows = [monitoring.FindingRow("m", "", "", "ok", f"finding {number}", 0) for number in range(100)]
    assert render(findings_table(rows))[-1] == "and 88 more"
