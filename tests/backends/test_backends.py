"""What the demo's programs sent stands in every backend, as it was sent: counts, names and values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from otelml.rules.naming import metric_name
from otelml.semconv import attributes, metrics
from otelml.viewer.otlp import Signal
from tests.backends.conftest import Backends
from tests.backends.gateway import Gateway
from tests.backends.points import Series, all_metrics, exactly, is_stored, points_of, series_of
from tests.backends.prometheus import start_prometheus, target
from tests.backends.relay import Together
from tests.backends.running import eventually, get, get_json
from tests.support.recorded import Recorded, RecordedSpan

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]

CONTENT = {attributes.GEN_AI_INPUT_MESSAGES, attributes.GEN_AI_OUTPUT_MESSAGES}


def kept(gateway: Gateway, found: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that may leave the gateway: all of them where its Collector can't redact."""
    redacts = "transform/redact_content" not in gateway.left_out
    return {key: value for key, value in found.items() if not (redacts and key in CONTENT)}


def shown(span: RecordedSpan, gateway: Gateway) -> tuple[Any, ...]:
    """What is to be the same about a span everywhere."""
    return span.trace_id, span.span_id, span.parent_id, span.name, span.status, kept(gateway, span.attributes)


def by_id(spans: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Spans in an order of their own."""
    return sorted(spans, key=lambda span: span[1])


def test_both_protocols_and_all_kinds_were_sent(sent: Together) -> None:
    """The programs send what the tests below compare: spans, events, histograms of both kinds, exemplars."""
    kinds = Counter(metric.WhichOneof("data") for metric in all_metrics(sent.requests()))
    assert set(kinds) >= {"sum", "gauge", "histogram", "exponential_histogram"}
    assert any(point.exemplars for metric in all_metrics(sent.requests()) for point in points_of(metric))
    assert {span.resource["service.name"] for span in sent.spans} >= {"churn-training", "churn-api", "churn-scorer"}
    assert {event.name for event in sent.events} >= {"ml.operation.exception", "ml.gen_ai.safety.finding"}
    assert {span.status for span in sent.spans} >= {"UNSET", "ERROR"}


class SeenByAgent(Recorded):
    """Datadog's test agent, which shows the requests that it got."""

    def __init__(self, url: str) -> None:
        self._url = url

    def requests(self) -> list[Message]:
        """Every request, parsed from the agent's JSON."""
        return [
            ParseDict(request, signal.request())
            for signal in Signal
            for request in get_json(f"{self._url}/test/session/{signal.value}")
        ]


def test_datadog_test_agent_has_every_signal(backends: Backends, gateway: Gateway, sent: Together) -> None:
    """Spans, events and metric points are there as they were sent, with exponential histograms and exemplars."""
    agent = SeenByAgent(backends.url("datadog-agent"))
    spans = eventually(lambda: agent.spans, lambda found: len(found) >= len(sent.spans))
    assert by_id([shown(span, gateway) for span in spans]) == by_id([shown(span, gateway) for span in sent.spans])
    points = eventually(lambda: exactly(agent.requests()), lambda found: len(found) >= len(exactly(sent.requests())))
    assert points == exactly(sent.requests())
    events = eventually(lambda: agent.events, lambda found: len(found) >= len(sent.events))
    assert sorted((it.name, it.severity, it.trace_id, str(kept(gateway, it.attributes))) for it in events) == sorted(
        (it.name, it.severity, it.trace_id, str(kept(gateway, it.attributes))) for it in sent.events
    )


def test_phoenix_has_every_span(backends: Backends, gateway: Gateway, sent: Together) -> None:
    """Phoenix shows each span with its name, place in the trace, status, times and attributes."""
    url = f"{backends.url('phoenix')}/v1/projects/default/spans"
    found = eventually(lambda: get_json(url, limit="1000")["data"], lambda spans: len(spans) >= len(sent.spans))
    stored = {span["context"]["span_id"]: span for span in found}
    assert set(stored) == {span.span_id for span in sent.spans}
    for span in sent.spans:
        there = stored[span.span_id]
        assert there["name"] == span.name
        assert there["context"]["trace_id"] == span.trace_id
        assert (there["parent_id"] or "") == span.parent_id
        assert there["status_code"] == span.status
        assert datetime.fromisoformat(there["start_time"]).timestamp() == pytest.approx(span.start / 1e9, abs=1e-3)
        assert kept(gateway, span.attributes).items() <= there["attributes"].items()


def test_mlflow_has_every_span(backends: Backends, gateway: Gateway, sent: Together) -> None:
    """MLflow shows each trace under its OpenTelemetry id, with all its spans and the service as a tag."""
    from mlflow import MlflowClient

    client = MlflowClient(backends.url("mlflow"))
    expected = {span.trace_id for span in sent.spans}

    def traces() -> Any:
        return client.search_traces(locations=["0"], max_results=500)

    found = eventually(traces, lambda there: sum(len(it.data.spans) for it in there) >= len(sent.spans))
    assert {trace.info.trace_id for trace in found} == {f"tr-{trace_id}" for trace_id in expected}
    spans = {span.span_id: span for trace in found for span in trace.data.spans}
    assert set(spans) == {span.span_id for span in sent.spans}
    for span in sent.spans:
        there = spans[span.span_id]
        assert (there.name, there.parent_id or "") == (span.name, span.parent_id)
        assert (there.start_time_ns, there.end_time_ns) == (span.start, span.end)
        assert kept(gateway, span.attributes).items() <= there.attributes.items()
    services = {trace.info.trace_id: trace.info.tags["service.name"] for trace in found}
    assert all(services[f"tr-{span.trace_id}"] == span.resource["service.name"] for span in sent.spans)


def test_victoriametrics_has_every_series(backends: Backends, sent: Together) -> None:
    """Each stream is a series under its Prometheus name, with its attributes as labels and the value last sent."""
    url = backends.url("victoriametrics")
    expected = list(series_of(sent))
    assert metric_name(metrics.ML_TELEMETRY_RECORDED).endswith("_ratio")  # a gauge of unit 1

    def missing() -> list[Series]:
        get(f"{url}/internal/force_flush")
        stored = [
            json.loads(line) for line in get(f"{url}/api/v1/export", **{"match[]": '{__name__!=""}'}).splitlines()
        ]
        last = [(it["metric"].pop("__name__"), it["metric"], it["values"][-1]) for it in stored]
        return [it for it in expected if not is_stored(it, last)]

    assert eventually(missing, lambda found: not found) == []


def test_exponential_histograms_are_there_as_ranges(backends: Backends, sent: Together) -> None:
    """VictoriaMetrics keeps an exponential histogram as `vmrange` buckets; their counts add up to the calls."""
    url = backends.url("victoriametrics")
    name = metric_name(metrics.ML_INFERENCE_DURATION)
    calls = sum(point.count or 0 for point in sent.points(metrics.ML_INFERENCE_DURATION.name) if not point.bounds)
    query = f'sum({name}_bucket{{vmrange!=""}})'
    found = eventually(lambda: _scalar(url, query), lambda value: value == calls)
    assert found == calls > 0


def test_prometheus_scrapes_it(backends: Backends, gateway: Gateway, sent: Together, tmp_path: Path) -> None:
    """A genuine Prometheus has the values after scraping: those stored, by federation, and the gateway's own."""
    store = backends.url("victoriametrics")
    calls = sent.total(metrics.ML_INFERENCE_CALLS.name)
    query = f"sum(last_over_time({metric_name(metrics.ML_INFERENCE_CALLS)}[1h]))"
    eventually(lambda: _scalar(store, query), lambda value: value == calls)
    with ExitStack() as stack:
        url = start_prometheus(stack, tmp_path, _federated(store), target("gateway", gateway.telemetry))
        assert eventually(lambda: _scalar(url, query), lambda value: value == calls) == calls
        ratio = f"count(last_over_time({metric_name(metrics.ML_TELEMETRY_RECORDED)}[1h]))"
        assert _scalar(url, ratio) == len(sent.points(metrics.ML_TELEMETRY_RECORDED.name))
        accepted = 'sum({__name__=~"otelcol_receiver_accepted_spans(_total)?"})'
        assert eventually(lambda: _scalar(url, accepted), lambda value: value == len(sent.spans)) == len(sent.spans)


def _federated(store: str) -> dict[str, Any]:
    about = {
        "honor_labels": True,
        "metrics_path": "/federate",
        "params": {"match[]": ['{__name__=~"ml_.+"}'], "max_lookback": ["1h"]},
    }
    return target("stored", store) | about


def _scalar(url: str, query: str) -> float:
    result = get_json(f"{url}/api/v1/query", query=query)["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0
