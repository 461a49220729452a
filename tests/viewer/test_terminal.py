"""What the terminal shows of a store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.viewer import overview, terminal
from otelml.viewer.otlp import Signal
from otelml.viewer.otlp_body import JSON, decode_request
from otelml.viewer.records import Source, Span
from otelml.viewer.store import TelemetryStore
from otelml.viewer.terminal_trace import trace_tree
from tests.viewer.churn_app import ChurnApp

Render = Callable[..., list[str]]


@pytest.fixture
def served(endpoint: str, store: TelemetryStore) -> TelemetryStore:
    """A store that has heard of a training and of a process that serves."""
    app = ChurnApp(endpoint)
    app.train(accuracy=0.8)
    app.serve([0.002, 0.003, 0.004, 0.2], [0.04, 0.05, 0.51, 1.0], failures=1)
    app.close()
    return store


def words(lines: list[str], start: str) -> list[str]:
    """The words of the first line that starts so, split where columns are."""
    return re.split(r"\s{2,}", next(line for line in lines if line.startswith(start)))


def below(lines: list[str], title: str) -> list[str]:
    """The lines from a title to the next empty line."""
    start = next(number for number, line in enumerate(lines) if line.startswith(title))
    return lines[start : lines.index("", start) if "" in lines[start:] else None]


def test_the_dashboard_shows_all_there_is(served: TelemetryStore, render: Render) -> None:
    """Calls, runs, classes, scores, exceptions and a successful and a failed trace, with their numbers."""
    lines = render(terminal.dashboard(served))
    calls = below(lines, "Calls")
    assert words(calls, "Model") == "Model Method Calls Errors Rows Time p50 p90 p99 Recorded".split()
    assert words(calls, "churn")[:6] == ["churn", "predict_proba", "5", "1", "4", "210 ms"]
    assert words(calls, "churn")[-1] == "25.0%"
    assert words(below(lines, "Training"), "churn   score")[2:] == ["1", "0", "30.0 ms", "30.0 ms", "accuracy 0.800"]
    assert words(below(lines, "Predicted"), "churn   Yes")[:4] == ["churn", "Yes", "2", "50.0%"]
    assert "churn predict_proba: 4 scores" in "\n".join(below(lines, "Predicted"))
    assert "churn   predict         1   ValueError: Found unknown" in "\n".join(below(lines, "Exceptions"))
    traces = [line for line in lines if line.startswith("Trace ")]
    assert len(traces) == 2
    assert all(line.endswith("churn-api") for line in traces)


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_dashboard_fits(served: TelemetryStore, render: Render, width: int) -> None:
    """Nothing is wider than the terminal, and the numbers that matter most are there at any width."""
    lines = render(terminal.dashboard(served), width)
    assert max(map(len, lines)) <= width
    assert lines.count("Calls") == 1
    calls = below(lines, "Calls")
    assert [name for name in ("Calls", "Errors", "p50", "p99") if name not in calls[1]] == []
    assert calls[-1].split()[:4] == ["churn", "predict_proba", "5", "1"]


def test_a_trace_is_a_tree(served: TelemetryStore, render: Render) -> None:
    """The call lies below its request, with its attributes, its time and where in the request that was."""
    _, failed = overview.example_traces(served)
    lines = render(trace_tree(failed))
    assert lines[1].startswith("POST /predict  server")
    assert lines[1].endswith("━" * 18)
    assert lines[2:5] == [
        "│  http.request.method        POST",
        "│  http.route                 /predict",
        "│  http.response.status_code  500",
    ]
    assert lines[5].startswith("└─ predict churn  internal")
    assert re.search(r"\d µs|ms", lines[5])
    assert lines[6:] == [
        "      ml.operation.method      predict_proba",
        "      ml.inference.batch.size  1",
        "      error.type               ValueError",
    ]


def test_siblings_have_guides(render: Render) -> None:
    """Guide lines lead past the spans below a sibling; spans beyond the limit are counted."""

    def span(span_id: str, parent_id: str, start: int) -> Span:
        return Span(Source({}, ""), "t", span_id, parent_id, span_id, "internal", start, 100, False, "", {}, ())

    spans = [span("root", "", 0), span("a", "root", 1), span("b", "a", 2), span("c", "root", 3)]
    tree = [line.split("  internal")[0] for line in render(trace_tree(spans))[1:]]
    assert tree == ["root", "├─ a", "│  └─ b", "└─ c"]
    deep = [span("0", "", 0), *(span(str(depth), str(depth - 1), depth) for depth in range(1, 5000))]
    assert render(trace_tree(deep))[-1] == "and 4,970 more"
    assert trace_tree([]) is None


def test_what_was_received_is_shown_as_it_is(render: Render) -> None:
    """Neither rich's markup nor the terminal's control sequences in a name do anything, and a long name is cut."""
    row = overview.ClassRow("[red]m[/red] [/x]", "", "\x1b[31mlabel\nnext", 1, 1.0)
    text = "\n".join(render(terminal.classes_table([row, replace(row, model="x" * 10_000)]), 120))
    assert "[red]m[/red] [/x]" in text
    assert "�[31mlabel�next" in text
    assert "\x1b" not in text
    assert text.count("x") < 210
    assert "…" in text


def test_long_tables_are_cut(render: Render) -> None:
    """Of many rows the first are shown, and how many more there are."""
    rows = [overview.ClassRow("churn", "", str(number), 1, 0.01) for number in range(100)]
    assert render(terminal.classes_table(rows))[-1] == "and 88 more"


def test_scores_without_limits_name_their_bounds(render: Render) -> None:
    """The axis of other scores than probabilities has the first and the last bin's bound."""
    row = overview.ScoreRow("m", "2", "decision_function", [(-5.0, 1), (0.0, 4), (2.0, 8), (float("inf"), 1)], 3)
    lines = render(terminal.scores_chart([row]))
    assert lines[1] == "m 2 decision_function: 14 scores, 3 NaN"
    assert lines[2] == "    ██"
    assert lines[-1].split() == ["≤-5", "∞"]


def test_faults_of_the_instrumentation_are_shown(store: TelemetryStore, render: Render) -> None:
    """A fault that the application was kept from is not kept from its user."""
    attributes = [
        {"key": names.ML_TELEMETRY_SITE, "value": {"stringValue": "extract.outputs"}},
        {"key": names.ERROR_TYPE, "value": {"stringValue": "KeyError"}},
    ]
    points = [{"asInt": "3", "attributes": attributes}]
    metric = {"name": metrics.ML_TELEMETRY_FAULTS.name, "sum": {"isMonotonic": True, "dataPoints": points}}
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    store.add(Signal.METRICS, decode_request(Signal.METRICS, json.dumps(body).encode(), JSON))
    assert words(below(render(terminal.dashboard(store)), "Faults"), "extract") == ["extract.outputs", "KeyError", "3"]


def test_an_empty_store_says_so(store: TelemetryStore, render: Render) -> None:
    """Before anything came there is a line that counts it."""
    assert render(terminal.dashboard(store)) == ["No calls of models yet (0 spans, 0 metric streams, 0 log records)."]


def test_what_had_to_go_is_said(render: Render) -> None:
    """A view that is not complete says so."""
    store = TelemetryStore(max_spans=1)
    span = {"spanId": "00" * 8, "attributes": [{"key": names.ML_OPERATION_NAME, "value": {"stringValue": "predict"}}]}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span] * 3}]}]}).encode()
    store.add(Signal.TRACES, decode_request(Signal.TRACES, body, JSON))
    assert render(terminal.dashboard(store))[-1] == ("Gone for want of room: 2 spans, 0 log records, 0 metric streams.")
