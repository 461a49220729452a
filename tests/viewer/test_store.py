"""The store: what it keeps, what it drops, and how points of a metric stream follow each other."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from otelml.semconv import metrics
from otelml.viewer.otlp import Signal
from otelml.viewer.otlp_body import JSON, decode_request
from otelml.viewer.query import totals
from otelml.viewer.records import MetricKind
from otelml.viewer.store import Counts, TelemetryStore
from tests.viewer.churn_app import ChurnApp

CUMULATIVE, DELTA = 2, 1


def send(store: TelemetryStore, signal: Signal, body: Mapping[str, Any]) -> None:
    """Hand the store an export request, written as OTLP/JSON."""
    store.add(signal, decode_request(signal, json.dumps(body).encode(), JSON))


def send_spans(store: TelemetryStore, *ids: tuple[int, int]) -> None:
    """Send spans, each given as its trace's number and its own."""
    spans = [{"traceId": f"{trace:032x}", "spanId": f"{span:016x}", "name": str(span)} for trace, span in ids]
    send(store, Signal.TRACES, {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})


def send_points(store: TelemetryStore, points: Sequence[Mapping[str, Any]], **of_sum: Any) -> None:
    """Send points of the counter `calls`."""
    metric = {"name": "calls", "sum": {"isMonotonic": True, "dataPoints": points, **of_sum}}
    send(store, Signal.METRICS, {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})


def point(value: int, at: int, start: int = 1, **attributes: str) -> dict[str, Any]:
    """A data point."""
    pairs = [{"key": name, "value": {"stringValue": text}} for name, text in attributes.items()]
    return {"asInt": str(value), "timeUnixNano": str(at), "startTimeUnixNano": str(start), "attributes": pairs}


def test_the_oldest_spans_go() -> None:
    """Over the limit the spans that came first go, and a trace goes with its last span."""
    store = TelemetryStore(max_spans=3)
    send_spans(store, (1, 1), (2, 2), (1, 3))
    send_spans(store, (3, 4), (3, 5))
    assert [span.name for span in store.spans()] == ["3", "4", "5"]
    assert [span.name for span in store.trace(f"{1:032x}")] == ["3"]
    assert store.trace(f"{2:032x}") == []
    assert (store.counts, store.dropped) == (Counts(spans=3), Counts(spans=2))


def test_the_oldest_log_records_go() -> None:
    """Over the limit the log records that came first go."""
    store = TelemetryStore(max_logs=2)
    records = [{"eventName": str(number)} for number in range(5)]
    send(store, Signal.LOGS, {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
    assert [record.event_name for record in store.logs()] == ["3", "4"]
    assert (store.counts, store.dropped) == (Counts(logs=2), Counts(logs=3))


def test_the_stream_without_news_goes() -> None:
    """Over the limit the metric stream goes that had no point for longest, not the one that began first."""
    store = TelemetryStore(max_streams=2)
    for at, model in enumerate(("a", "b", "a", "c"), 2):
        send_points(store, [point(at, at, model=model)], aggregationTemporality=CUMULATIVE)
    assert totals(store.streams("calls"), "model") == {("a",): 4, ("c",): 5}
    assert (store.counts, store.dropped) == (Counts(streams=2), Counts(streams=1))


def test_nothing_grows_without_bound() -> None:
    """What is indexed beside the records goes with them."""
    store = TelemetryStore(max_spans=5, max_logs=5, max_streams=5)
    for number in range(1, 100):
        send_spans(store, (number, number))
        send_points(store, [point(1, 1, model=str(number))], aggregationTemporality=DELTA)
    assert (len(store._traces), len(store._spans), len(store._streams)) == (5, 5, 5)


def test_a_cumulative_point_replaces_the_one_before() -> None:
    """Of a cumulative stream the latest point counts, also when an older one comes after it."""
    store = TelemetryStore()
    for value, at in ((5, 20), (9, 30), (7, 25)):
        send_points(store, [point(value, at)], aggregationTemporality=CUMULATIVE)
    assert totals(store.streams("calls")) == {(): 9}


def test_delta_points_add_up() -> None:
    """Of a delta stream all points count, though each starts where the one before ended."""
    store = TelemetryStore()
    for value, at in ((5, 20), (9, 30)):
        send_points(store, [point(value, at, start=at - 10)], aggregationTemporality=DELTA)
    [stream] = store.streams("calls")
    assert (stream.value, stream.start_ns, stream.time_ns) == (14, 10, 30)


@pytest.mark.parametrize(("monotonic", "total"), [(True, 12), (False, 5)])
def test_a_restarted_process(monotonic: bool, total: int) -> None:
    """What a counter had counted before its process restarted stays counted; a level is the new process's."""
    store = TelemetryStore()
    for value, at, start in ((7, 20, 1), (5, 40, 30)):
        send_points(store, [point(value, at, start)], aggregationTemporality=CUMULATIVE, isMonotonic=monotonic)
    assert totals(store.streams("calls")) == {(): total}


@pytest.mark.parametrize("temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
def test_the_sdk_s_counters_are_exact(
    endpoint: str, store: TelemetryStore, temporality: AggregationTemporality
) -> None:
    """A counter exported several times by two processes has the sum of what was added, by attributes."""
    for process in ("a", "b"):
        exporter = OTLPMetricExporter(f"{endpoint}/v1/metrics", preferred_temporality={Counter: temporality})
        resource = Resource({"service.instance.id": process})
        provider = MeterProvider([PeriodicExportingMetricReader(exporter)], resource=resource)
        counter = provider.get_meter("test").create_counter("calls")
        for model in ("churn", "churn", "fraud"):
            counter.add(2, {"model": model, "process": process})
            provider.force_flush()
        provider.shutdown()
    assert totals(store.streams("calls"), "model") == {("churn",): 8, ("fraud",): 4}
    assert totals(store.streams("calls"), "model", "region") == {("churn", ""): 8, ("fraud", ""): 4}
    assert {stream.kind for stream in store.streams("calls")} == {MetricKind.COUNTER}


def test_scopes_and_resources_are_kept_apart(endpoint: str, store: TelemetryStore) -> None:
    """The same metric of two processes is two streams, and each record knows who sent it."""
    for service in ("churn-api", "churn-batch"):
        app = ChurnApp(endpoint, service)
        app.serve([0.01], [0.7])
        app.close()
    assert {span.source.service for span in store.spans()} == {"churn-api", "churn-batch"}
    assert {span.source.scope for span in store.spans()} == {"otelml.test", "opentelemetry.instrumentation.flask"}
    assert len(store.streams(metrics.ML_INFERENCE_CALLS.name)) == 2


def test_spans_keep_what_they_had(endpoint: str, store: TelemetryStore) -> None:
    """A span is decoded with its kind, parent, times, status and attributes of every type."""
    app = ChurnApp(endpoint)
    tracer = app.traces.get_tracer("test")
    values: dict[str, Any] = {"text": "a", "flag": True, "number": 3, "share": 0.5, "list": (1, 2)}
    with tracer.start_as_current_span("outer"):
        inner = tracer.start_span("inner", attributes=values, start_time=1_000)
        inner.add_event("spoke", {"loud": True}, timestamp=1_500)
        inner.end(end_time=2_000)
    app.close()
    first, second = store.spans()
    assert (first.name, first.parent_id, first.trace_id) == ("inner", second.span_id, second.trace_id)
    assert (second.parent_id, second.kind, first.failed) == ("", "internal", False)
    assert first.attributes == {**values, "list": [1, 2]}
    assert (first.start_ns, first.end_ns, first.seconds) == (1_000, 2_000, 1e-6)
    assert [(event.time_ns, event.name, event.attributes) for event in first.events] == [
        (1_500, "spoke", {"loud": True})
    ]


def test_values_that_otlp_knows_and_the_sdk_does_not_send() -> None:
    """Maps, bytes and nothing are values, too; a span of an unknown kind is one all the same."""
    store = TelemetryStore()
    nested = {"kvlistValue": {"values": [{"key": "k", "value": {"arrayValue": {"values": [{"intValue": "1"}, {}]}}}]}}
    attributes = [{"key": "map", "value": nested}, {"key": "bytes", "value": {"bytesValue": "AQI="}}]
    span = {"spanId": "00" * 8, "kind": 99, "attributes": attributes}
    send(store, Signal.TRACES, {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert store.spans()[0].attributes == {"map": {"k": [1, None]}, "bytes": b"\x01\x02"}
    assert store.spans()[0].kind == "unspecified"


def test_many_senders_at_once() -> None:
    """Nothing is lost or counted twice when several threads send at the same time."""
    store = TelemetryStore(max_spans=500)

    def sender(number: int) -> None:
        for at in range(200):
            send_spans(store, (number, 1000 * number + at))
            send_points(store, [point(1, at)], aggregationTemporality=DELTA)

    threads = [threading.Thread(target=sender, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts.spans + store.dropped.spans == 800
    assert totals(store.streams("calls")) == {(): 800}
