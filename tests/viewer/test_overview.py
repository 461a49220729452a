"""The rows about models, from telemetry as a program that serves one sends it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from google.protobuf.message import Message

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.viewer import overview, query
from otelml.viewer.livecheck import LiveCheck
from otelml.viewer.otlp import Signal
from otelml.viewer.otlp_body import JSON, decode_request
from otelml.viewer.receiver import OtlpReceiver
from otelml.viewer.records import Source, Span
from otelml.viewer.store import TelemetryStore
from tests.viewer.churn_app import ChurnApp

DURATIONS = [0.002, 0.003, 0.004, 0.2]
SCORES = [0.04, 0.05, 0.51, 1.0]


@pytest.fixture
def served(endpoint: str, store: TelemetryStore) -> TelemetryStore:
    """A store that has heard of a training and of two processes that serve."""
    training = ChurnApp(endpoint, "churn-training")
    training.train(accuracy=0.8)
    training.close()
    for failures in (0, 3):
        app = ChurnApp(endpoint)
        app.serve(DURATIONS, SCORES, failures)
        app.close()
    return store


def test_the_telemetry_of_these_tests_follows_the_convention() -> None:
    """What the viewer is tested with is what the convention declares."""
    findings = []
    check = LiveCheck(allow=["http.*"])

    def sink(_signal: Signal, request: Message) -> None:
        findings.extend(check.check(request))

    with OtlpReceiver(sink) as receiver:
        app = ChurnApp(receiver.http_endpoint)
        app.train(accuracy=0.8)
        app.serve(DURATIONS, SCORES, failures=1)
        app.close()
    assert [str(finding) for finding in findings if finding.level == "violation"] == []


def test_calls(served: TelemetryStore) -> None:
    """Calls, errors, rows and time are summed over processes; failed calls are calls."""
    [row] = overview.call_rows(served)
    assert (row.model, row.operation, row.method) == ("churn", "predict", "predict_proba")
    assert (row.calls, row.errors, row.rows) == (11, 3, 8)
    assert row.seconds == pytest.approx(2 * sum(DURATIONS) + 0.003)
    assert row.latency.count == 8
    assert 0.0025 <= row.latency.quantile(0.5) <= 0.005
    assert 0.1 <= row.latency.quantile(0.99) <= 0.2
    assert row.recorded == 0.25


def test_runs(served: TelemetryStore) -> None:
    """Fits and evaluations have a row each, an evaluation with its result."""
    fit, score = overview.run_rows(served)
    assert (fit.method, fit.runs, fit.errors, fit.seconds, fit.scores) == ("fit", 1, 0, 0.4, {})
    assert (score.method, score.runs, score.scores) == ("score", 1, {"accuracy": 0.8})


def test_classes(served: TelemetryStore) -> None:
    """Classes come with their share of the model's predictions."""
    assert [(row.label, row.predictions, row.share) for row in overview.class_rows(served)] == [
        ("No", 4, 0.5),
        ("Yes", 4, 0.5),
    ]


def test_scores(served: TelemetryStore) -> None:
    """Probabilities have all twenty bins, the empty ones, too."""
    [row] = overview.score_rows(served)
    assert [upper for upper, _ in row.bins] == pytest.approx(np.arange(1, 21) / 20)
    assert {upper: count for upper, count in row.bins if count} == {0.05: 4, 0.55: 2, 1.0: 2}
    assert row.missing == 0


def test_scores_without_limits(store: TelemetryStore) -> None:
    """Other scores have the bins that came, in numeric order; what is no number is counted apart."""
    points = [
        {"asInt": "2", "attributes": [{"key": names.ML_PREDICTION_SCORE_BIN, "value": {"stringValue": bin_}}]}
        for bin_ in ("10", "-5", "+Inf", "0.5", "NaN", "unreadable")
    ]
    metric = {"name": metrics.ML_PREDICTION_SCORES.name, "sum": {"isMonotonic": True, "dataPoints": points}}
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    store.add(Signal.METRICS, decode_request(Signal.METRICS, json.dumps(body).encode(), JSON))
    [row] = overview.score_rows(store)
    assert row.bins == [(-5.0, 2), (0.5, 2), (10.0, 2), (float("inf"), 2)]
    assert row.missing == 4


def test_exceptions(served: TelemetryStore) -> None:
    """Exceptions of one type and message are one row with their number."""
    [row] = overview.exception_rows(served)
    assert (row.model, row.operation, row.type, row.count) == ("churn", "predict", "ValueError", 3)
    assert row.message.startswith("Found unknown categories")


def test_example_traces(served: TelemetryStore) -> None:
    """The newest successful and the newest failed call's traces are shown, whole."""
    succeeded, failed = overview.example_traces(served)
    assert [span.failed for span in succeeded] == [False, False]
    assert any(span.failed for span in failed)
    [tree] = query.trace_trees(failed)
    assert [tree.span.kind, *(child.span.name for child in tree.children)] == ["server", "predict churn"]
    assert failed[-1] == served.spans()[-1]


def test_an_empty_store_has_no_rows(store: TelemetryStore) -> None:
    """Nothing received is nothing to show."""
    for rows in (
        overview.call_rows,
        overview.run_rows,
        overview.class_rows,
        overview.score_rows,
        overview.exception_rows,
        overview.fault_rows,
        overview.example_traces,
    ):
        assert rows(store) == []


def a_span(span_id: str, parent_id: str, start: int) -> Span:
    """A span as far as trees care."""
    return Span(Source({}, ""), "t", span_id, parent_id, span_id, "internal", start, start + 1, False, "", {}, ())


def test_a_tree_is_in_order_of_time() -> None:
    """Children follow each other as they started, however they arrived."""
    [root] = query.trace_trees([a_span("c", "a", 3), a_span("b", "a", 2), a_span("a", "", 1)])
    assert [child.span.span_id for child in root.children] == ["b", "c"]


def test_spans_without_their_parent_are_shown() -> None:
    """A span whose parent never came is a root; one that names itself as its parent does no harm."""
    roots = query.trace_trees([a_span("a", "gone", 1), a_span("b", "b", 2)])
    assert [root.span.span_id for root in roots] == ["a", "b"]


def test_gauges() -> None:
    """Of a gauge there is the mean over processes and the value that was measured last."""
    store = TelemetryStore()
    for at, (process, value) in enumerate([("a", 0.2), ("b", 0.4), ("a", 0.6)], 1):
        metric = {"name": "g", "gauge": {"dataPoints": [{"asDouble": value, "timeUnixNano": str(at)}]}}
        resource = {"attributes": [{"key": "process", "value": {"stringValue": process}}]}
        body = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]}
        store.add(Signal.METRICS, decode_request(Signal.METRICS, json.dumps(body).encode(), JSON))
    assert query.means(store.streams("g")) == {(): pytest.approx(0.5)}
    assert query.newest(store.streams("g")) == {(): 0.6}
