"""Scraping: model servers by the gateway, which maps their names onto the convention, and the gateway by Prometheus."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otelml.rules.naming import metric_name
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.backends.gateway import start_gateway
from tests.backends.prometheus import start_prometheus, target
from tests.backends.running import eventually, free_ports, get_json
from tests.backends.sending import Backend
from tests.support.recorded import RecordedPoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("otelcol-contrib") is None,
        reason="no otelcol-contrib on the PATH, and the Collector's core can't scrape",
    ),
]


def histogram(name: str, labels: str, bound: float, below: int, count: int, total: float) -> str:
    """A histogram of two buckets, as servers expose it."""
    return (
        f"# TYPE {name} histogram\n"
        f'{name}_bucket{{{labels},le="{bound}"}} {below}\n{name}_bucket{{{labels},le="+Inf"}} {count}\n'
        f"{name}_sum{{{labels}}} {total}\n{name}_count{{{labels}}} {count}\n"
    )


def single(kind: str, name: str, labels: str, value: float) -> str:
    """A counter or gauge."""
    return f"# TYPE {name} {kind}\n{name}{{{labels}}} {value}\n"


VLLM, TRITON = 'model_name="llama",engine="0"', 'model="churn",version="3"'
TORCHSERVE, RAY = 'model_name="net",model_version="2.0",hostname="h"', 'deployment="rank",replica="r1",application="a"'
EXPOSED = {
    "VLLM_TARGETS": histogram("vllm:e2e_request_latency_seconds", VLLM, 1.0, 3, 4, 5.0)
    + histogram("vllm:time_to_first_token_seconds", VLLM, 0.1, 3, 4, 0.5)
    + histogram("vllm:request_time_per_output_token_seconds", VLLM, 0.01, 3, 4, 0.05)
    + single("gauge", "vllm:num_requests_running", VLLM, 2),
    "TRITON_TARGETS": single("counter", "nv_inference_request_success", TRITON, 7)
    + single("counter", "nv_inference_request_failure", TRITON + ',reason="BACKEND"', 2)
    + single("counter", "nv_inference_request_duration_us", TRITON, 1_500_000)
    + single("counter", "nv_inference_count", TRITON, 70),
    "TORCHSERVE_TARGETS": single("counter", "ts_inference_requests_total", TORCHSERVE, 5)
    + single("counter", "ts_inference_latency_microseconds", TORCHSERVE, 250_000),
    "KSERVE_TARGETS": histogram("request_predict_seconds", 'model_name="fraud"', 0.5, 8, 9, 2.5),
    "RAY_SERVE_TARGETS": single("counter", "ray_serve_deployment_request_counter_total", RAY, 11)
    + single("counter", "ray_serve_deployment_error_counter_total", RAY, 1)
    + single("gauge", "ray_serve_replica_processing_queries", RAY, 3)
    + histogram("ray_serve_deployment_processing_latency_ms", RAY, 100.0, 10, 11, 800.0),
}


@pytest.fixture
def servers() -> Iterator[dict[str, str]]:
    """Five model servers, and the variables that say where they are."""
    running = []
    variables = {}
    for variable, text in EXPOSED.items():

        class Handler(BaseHTTPRequestHandler):
            body = text.encode()

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(self.body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        variables[variable] = f'["127.0.0.1:{server.server_port}"]'
    yield variables
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def scraped(servers: dict[str, str], tmp_path: Path) -> Iterator[Backend]:
    """What the gateway passes on of them."""
    backend = Backend(free_ports(1)[0])
    environment = {**servers, "BACKEND_OTLP_URL": backend.url, "BACKEND_AUTHORIZATION": "none"}
    environment["SCRAPE_INTERVAL"] = "1s"
    with ExitStack() as stack:
        stack.enter_context(backend)
        start_gateway(stack, ["otlp"], environment, tmp_path, scrape=["model-servers"])
        jobs = len(EXPOSED)
        eventually(lambda: {it.resource["service.name"] for it in backend.points("up")}, lambda seen: len(seen) == jobs)
        yield backend


def points(backend: Backend, metric: str, server: str) -> list[RecordedPoint]:
    """The latest points of a server."""
    return [it for it in backend.points(metric) if it.resource["service.name"] == server]


def test_names_are_mapped(scraped: Backend) -> None:
    """Each server's calls, durations and times are those of the convention, with its units and attributes."""
    model, version, system = names.ML_MODEL_NAME, names.ML_MODEL_VERSION, names.ML_SYSTEM_NAME
    for metric, total in (
        ("gen_ai.server.request.duration", 5.0),
        ("gen_ai.server.time_to_first_token", 0.5),
        ("gen_ai.server.time_per_output_token", 0.05),
    ):
        (point,) = points(scraped, metric, "vllm")
        assert point.count == 4
        assert point.value == pytest.approx(total)
        assert point.attributes[names.GEN_AI_REQUEST_MODEL] == "llama"
        assert point.attributes[names.GEN_AI_PROVIDER_NAME] == "vllm"
    calls, time = metrics.ML_INFERENCE_CALLS.name, metrics.ML_INFERENCE_TIME.name
    triton = {it.attributes.get(names.ERROR_TYPE): it for it in points(scraped, calls, "triton")}
    assert {error: it.value for error, it in triton.items()} == {None: 7, "_OTHER": 2}
    about = {model: "churn", version: "3", system: "triton", names.ML_OPERATION_NAME: "predict"}
    assert about.items() <= triton[None].attributes.items()
    assert [it.value for it in points(scraped, time, "triton")] == [pytest.approx(1.5)]
    assert [it.value for it in points(scraped, metrics.ML_INFERENCE_SAMPLES.name, "triton")] == [70]
    (served,) = points(scraped, calls, "torchserve")
    assert (served.value, served.attributes[model], served.attributes[version]) == (5, "net", "2.0")
    assert [it.value for it in points(scraped, time, "torchserve")] == [pytest.approx(0.25)]
    (predicted,) = points(scraped, metrics.ML_INFERENCE_DURATION.name, "kserve")
    assert (predicted.count, predicted.value, predicted.attributes[model]) == (9, 2.5, "fraud")
    (ranked,) = points(scraped, metrics.ML_INFERENCE_DURATION.name, "ray_serve")
    assert ranked.count == 11
    assert (ranked.value, *ranked.bounds) == pytest.approx((0.8, 0.1))
    assert [it.value for it in points(scraped, calls, "ray_serve")] == [11]
    assert [it.value for it in points(scraped, metrics.ML_INFERENCE_ACTIVE.name, "ray_serve")] == [3]


def test_what_has_no_counterpart_keeps_its_name(scraped: Backend) -> None:
    """Queues, and Ray Serve's failed calls, which are among its calls, stay as they are."""
    assert [it.value for it in points(scraped, "vllm:num_requests_running", "vllm")] == [2]
    errors = [
        it for name in scraped.metrics if name.startswith("ray_serve_deployment_error") for it in scraped.points(name)
    ]
    assert [it.value for it in errors] == [1]


def test_prometheus_scrapes_the_gateway(tmp_path: Path) -> None:
    """What is sent by OTLP is in Prometheus under the names of rules and dashboards, with values and exemplars."""
    (port,) = free_ports(1)
    endpoint = f"127.0.0.1:{port}"
    with ExitStack() as stack:
        gateway = start_gateway(stack, ["prometheus-scrape"], {"SCRAPE_ENDPOINT": endpoint}, tmp_path)
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{gateway.http}/v1/metrics"))
        provider = MeterProvider([reader], Resource({"service.name": "churn-api"}), shutdown_on_exit=False)
        meter = provider.get_meter("tests")
        about = {names.ML_MODEL_NAME: "churn"}
        metrics.ML_INFERENCE_CALLS.create(meter).add(7, about)
        metrics.ML_TELEMETRY_RECORDED.create(meter).set(0.25, about)
        with TracerProvider(shutdown_on_exit=False).get_tracer("tests").start_as_current_span("call") as span:
            metrics.ML_INFERENCE_DURATION.create(meter).record(0.2, about)
        provider.shutdown()
        url = start_prometheus(stack, tmp_path, target("gateway", endpoint))

        def value(name: str) -> list[float]:
            query = f'{name}{{ml_model_name="churn",exported_job="churn-api"}}'
            return [float(it["value"][1]) for it in get_json(f"{url}/api/v1/query", query=query)["data"]["result"]]

        calls = metric_name(metrics.ML_INFERENCE_CALLS)
        assert eventually(lambda: value(calls), bool) == [7]
        assert value(metric_name(metrics.ML_TELEMETRY_RECORDED)) == [0.25]
        duration = metric_name(metrics.ML_INFERENCE_DURATION)
        assert (value(f"{duration}_count"), value(f"{duration}_sum")) == ([1], [0.2])
        window = {"start": "0", "end": str(time.time() + 60)}
        (series,) = get_json(f"{url}/api/v1/query_exemplars", query=f"{duration}_bucket", **window)["data"]
    assert [it["labels"]["trace_id"] for it in series["exemplars"]] == [f"{span.get_span_context().trace_id:032x}"]
