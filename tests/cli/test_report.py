"""`otelml report`: a page of what the monitors have seen, whole in itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import otelml
from otelml import settings
from otelml.cli.main import main
from otelml.cli.report.plots import bars, timeline
from otelml.instrumentation.sklearn import SklearnInstrumentor
from otelml.monitors.live import LiveMonitors
from otelml.telemetry.monitoring import MonitoringTelemetry
from tests.support.telemetry import Telemetry


class Page(HTMLParser):
    """The text of a page, and what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.references: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data + " "


@pytest.fixture
def state(telemetry: Telemetry, tmp_path: Path) -> Path:
    """The state of a model of two features, of which the second has drifted, and whose name is no HTML."""
    random = np.random.default_rng(0)
    resolved = settings.resolve({"overhead_budget": 1, "drift_windows": "200"})
    live = LiveMonitors(resolved, MonitoringTelemetry(telemetry.meter_provider, telemetry.logger_provider))
    SklearnInstrumentor().instrument(settings=resolved, monitors=live, **telemetry.providers)
    try:
        rows = random.normal(size=(3000, 2))
        model = LogisticRegression().fit(rows, rows[:, 0] > 0)
        otelml.describe(model, name="churn <b>", version=4, feature_names=["age", "income & more"])
        for _ in range(3):
            model.predict_proba(random.normal([0, 1.5], size=(200, 2)))
            model.predict(random.normal([0, 1.5], size=(200, 2)))
            live.model_states()
        model.score(rows[:500], rows[:500, 0] > 0)
        live.save(tmp_path / "state.json")
    finally:
        SklearnInstrumentor().uninstrument()
    return tmp_path / "state.json"


def test_the_page_says_what_has_drifted(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Model, features, states, plots and data quality are there; nothing is loaded from elsewhere."""
    assert main(["report", str(state), "-o", str(tmp_path / "page.html")]) == 0
    assert "1 model, 1 check drifted" in capsys.readouterr().out
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.references == []
    assert "http" not in text
    for said in ("churn <b> 4", "age", "income & more", "drifted", "600", "not_null", "fit"):
        assert said in page.text
    assert page.tags.count("svg") >= 4
    assert page.text.index("income & more") < page.text.index("age")


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), ("{}", "holds no state of monitors")])
def test_a_file_of_something_else(
    content: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file or one of something else is named, and no page is written."""
    path = tmp_path / "state.json"
    if content is not None:
        path.write_text(content)
    assert main(["report", str(path), "-o", str(tmp_path / "page.html")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_the_page_shows_what_was_predicted(state: Path, tmp_path: Path) -> None:
    """Class balance and scores of the last predictions are plots, and so is the drift of the labels."""
    assert main(["report", str(state), "-o", str(tmp_path / "page.html")]) == 0
    text = " ".join(Page((tmp_path / "page.html").read_text(encoding="utf-8")).text.split())
    for said in ("Classes of the last 200 predictions", "Scores of the last 200 predictions", "Drift of the labels"):
        assert said in text
    assert "True: live " in text
    assert "0.95 to 1: live " in text


def test_time_has_an_axis() -> None:
    """The first, middle and last time stand under the line, which is drawn in proportion to time; one point is none."""
    times = ["2026-11-22T08:00:00+00:00", "2026-11-22T09:00:00+00:00", "2026-11-22T12:00:00+00:00"]
    drawn = timeline(times, (None, 0.2, 0.3), 0.1, width=444)
    for said in ("2026-11-22 08:00", "2026-11-22 10:00", "2026-11-22 12:00", 'points="144.0,'):
        assert said in drawn
    assert timeline(times[:1], (0.2,), 0.1) == ""


def test_long_labels_stay_apart() -> None:
    """Fifty labels that differ at their end only are fifty different labels."""
    labels = [f"category number {number}" for number in range(50)]
    ticks = re.findall(r'<text class="tick" [^>]*>([^<]*)</text>', bars(labels, None, [0.02] * 50))
    assert len(set(ticks)) == 50
    assert max(map(len, ticks)) <= 16
