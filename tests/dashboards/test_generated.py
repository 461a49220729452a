"""The dashboards in the repository: current, read what something emits, whole."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from grafana.boards import BOARDS
from grafana.spec import Board

from otelml.rules import read_objectives, rule_files
from otelml.rules.naming import metric_name
from otelml.rules.rule import Recording
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric
from tests.rules.names import METRICS, unknown_labels, unknown_names
from tests.rules.programs import ROOT, program

pytest.importorskip("grafana_foundation_sdk", reason="Grafana's SDK needs Python 3.11")
import generate_dashboards
from grafana_foundation_sdk.models.dashboard import Dashboard

RECORDED = {
    rule.name
    for file in rule_files(read_objectives(ROOT / "collector-config" / "prometheus" / "slo.yaml"))
    for group in file.groups
    for rule in group.rules
    if isinstance(rule, Recording)
} | {"ALERTS"}
DATADOG = generate_dashboards.DATADOG


def test_files_are_generated() -> None:
    """Each file is what the code says; none is left over."""
    expected = generate_dashboards.files()
    present = {*generate_dashboards.DASHBOARDS.iterdir(), DATADOG}
    assert {path: path.read_text() for path in present} == expected
    assert generate_dashboards.main(["--check"]) == 0


def test_a_changed_file_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` ends with 1 and names the file."""
    monkeypatch.setattr(generate_dashboards, "overview_json", lambda: "{}")
    assert generate_dashboards.main(["--check"]) == 1
    assert capsys.readouterr().out == "datadog/overview.json\n"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_queries_read_what_something_emits(board: Board) -> None:
    """Every name is a metric of the convention, of the Collector or recorded by a rule; every label is an attribute."""
    expressions = [query.expression for panel in board.panels for query in panel.queries]
    other = {"alertname", "alertstate"}
    assert {name for text in expressions for name in unknown_names(_plain(text), RECORDED)} == set()
    assert {name for text in expressions for name in unknown_labels(_plain(text))} - other == set()


NOT_SHOWN = {
    metrics.ML_FEATURE_REFERENCE_RATIO,  # in the recorded stability indices
    metrics.ML_TRAINING_DURATION,  # of whole runs; a dashboard shows what a run does
    metrics.ML_TRAINING_TASKS,  # their time is shown
    metrics.ML_EVALUATION_TIME,  # their number and their scores are shown
    metrics.ML_EVALUATION_DURATION,
    metrics.ML_DEVICE_THROTTLE_STATUS,  # its time is shown
    metrics.ML_TRAINING_ELASTIC_VALUE,  # of any name and unit
}


def test_what_is_emitted_is_shown() -> None:
    """Every metric that otelml emits is on a dashboard, but for those that are listed with their reason."""
    text = " ".join(query.expression for board in BOARDS for panel in board.panels for query in panel.queries)
    shown = {metric.name for metric in METRICS if re.search(rf"\b{metric_name(metric)}(?![a-z])", text)}
    assert {metric.name for metric in METRICS} - shown == {metric.name for metric in NOT_SHOWN}


def test_prometheus_reads_the_queries(tmp_path: Path) -> None:
    """Prometheus' own parser takes every query, which the store of the other tests reads more leniently."""
    queries = [query for board in BOARDS for panel in board.panels for query in panel.queries]
    rules = [{"record": f"panel:{number}", "expr": _plain(query.expression)} for number, query in enumerate(queries)]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run([program("promtool"), "check", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _plain(text: str) -> str:
    return text.replace("$__rate_interval", "5m")


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_boards_are_whole(board: Board) -> None:
    """Every panel has a title of its own and says what it means; Grafana's SDK reads the JSON back."""
    titles = [panel.title for panel in board.panels]
    assert len(set(titles)) == len(titles)
    assert all(len(panel.meaning) > 10 and panel.queries for panel in board.panels)
    for _, panels in board.rows:
        assert sum(panel.width for panel in panels) % 24 == 0
    text = (generate_dashboards.DASHBOARDS / f"{board.name}.json").read_text()
    again = Dashboard.from_json(json.loads(text))
    assert (again.title, again.uid, len(again.panels or [])) == (board.title, board.name, len(titles) + len(board.rows))


def test_addresses_are_unique() -> None:
    """No two dashboards share a name."""
    assert len({board.name for board in BOARDS}) == len(BOARDS)


def test_datadog_reads_metrics_of_the_convention() -> None:
    """Every query of the Datadog overview is about a declared metric, and each formula about its queries."""
    declared = {it.name for it in vars(metrics).values() if isinstance(it, Metric)}
    widgets = json.loads(Path(DATADOG).read_text())["widgets"]
    for widget in widgets:
        (request,) = widget["definition"]["requests"]
        for query in request["queries"]:
            assert query["query"].partition(":")[2].partition("{")[0] in declared
            assert query["name"] in request["formulas"][0]["formula"]
