"""The endpoint is down: the application runs, one line is logged, and the process ends soon."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from otelml.distro import exporters
from otelml.semconv import metrics
from tests.distro.far_end import far_end, nobody
from tests.e2e.programs import LAUNCHER, MODEL, environment, run

# Every call fails, so that all three signals have something to export all the time, until the input ends.
FAILING = """
import sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
ended = threading.Event()
from sklearn.base import BaseEstimator

class Model(BaseEstimator):
    def predict(self, X):
        raise ValueError("no")

model, calls = Model(), 0
while not ended.wait(0.01):
    try:
        model.predict([[1]])
    except ValueError:
        calls += 1
print(calls)
"""
INSTRUMENT = "import otelml\notelml.instrument()\n"
FAILS_ONCE = """
model.predict([[1]])
try:
    model.predict(None)
except TypeError:
    pass
"""
OFTEN = {
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_BLRP_SCHEDULE_DELAY": "100",
    "OTEL_METRIC_EXPORT_INTERVAL": "100",
}


@contextmanager
def running(program: str, variables: dict[str, str], *, launched: bool) -> Iterator[subprocess.Popen[str]]:
    """A program that runs until its input is closed."""
    process = subprocess.Popen(
        [*(LAUNCHER if launched else []), sys.executable, "-c", program],
        env=environment(variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "launched",
    [pytest.param(True, id="launcher"), pytest.param(False, id="instrument()", marks=pytest.mark.slow)],
)
def test_one_line_and_a_quick_end(launched: bool) -> None:
    """While every export fails one line is logged, and at the end each signal is tried once at most."""
    with far_end(503) as end:
        variables = {**OFTEN, "OTEL_EXPORTER_OTLP_ENDPOINT": end.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "1.5"}
        with running(FAILING if launched else INSTRUMENT + FAILING, variables, launched=launched) as process:
            end.wait_for(12)
            before = len(end.requests)
            _, errors = process.communicate()
            assert process.returncode == 0
        assert len(end.requests) - before <= 3
    (line,) = errors.splitlines()
    assert "failed: Service Unavailable" in line
    assert {path for path, _ in end.requests} == {"/v1/traces", "/v1/metrics", "/v1/logs"}


def test_nothing_is_configured_and_nobody_listens() -> None:
    """A program that has ended before the first export fails tells what was lost, in one line."""
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{nobody()}"}
    done = run(f"{MODEL}\nmodel.predict([[1]]); print('done')", env=environment(there), launched=True)
    assert done.stdout == "done\n"
    (line,) = done.stderr.splitlines()
    assert "Does a collector listen there?" in line


def test_counts_outlive_the_outage() -> None:
    """What was counted while the endpoint was down arrives when it is back, to the last call."""
    with far_end(503) as end:
        variables = {**OFTEN, "OTEL_EXPORTER_OTLP_ENDPOINT": end.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"}
        with running(INSTRUMENT + FAILING, variables, launched=False) as process:
            end.wait_for(9)
            end.status = 200
            down = len(end.requests)
            end.wait_for(down + 3)
            output, errors = process.communicate()
    assert len(errors.splitlines()) == 1
    bodies = [body for path, body in end.requests if path == "/v1/metrics"]
    last = ExportMetricsServiceRequest.FromString(bodies[-1])
    (calls,) = (
        metric
        for group in last.resource_metrics[0].scope_metrics
        for metric in group.metrics
        if metric.name == metrics.ML_INFERENCE_CALLS.name
    )
    assert [point.as_int for point in calls.sum.data_points] == [int(output)]


def test_a_signal_with_another_endpoint_is_not_given_up() -> None:
    """When the process ends, spans for an endpoint that is there arrive, though the metrics' is not."""
    with far_end(200) as end:
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{nobody()}",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{end.url}/v1/traces",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5",
        }
        run(f"{INSTRUMENT}{MODEL}\nmodel.predict([[1]])", env=environment(variables))
        assert [path for path, _ in end.requests] == ["/v1/traces"]


@pytest.mark.parametrize("status", [pytest.param(400, id="refused"), pytest.param(503, id="overloaded")])
def test_a_signal_that_is_not_taken_costs_no_other(status: int) -> None:
    """A process that ends delivers its metrics to an endpoint that takes nothing else, as that of a metrics store."""
    with far_end(status) as end:
        end.exceptions["/v1/metrics"] = 200
        run(f"{MODEL}{FAILS_ONCE}", env=environment({"OTEL_EXPORTER_OTLP_ENDPOINT": end.url}), launched=True)
    assert {path for path, _ in end.requests} == {"/v1/traces", "/v1/metrics", "/v1/logs"}
    (body,) = (body for path, body in end.requests if path == "/v1/metrics")
    assert metrics.ML_INFERENCE_CALLS.name.encode() in body


def test_an_endpoint_that_is_down_is_tried_once_more() -> None:
    """The first export of a process that ends may be tried again, those of the other signals are not."""
    with far_end(503) as end:
        run(f"{MODEL}{FAILS_ONCE}", env=environment({"OTEL_EXPORTER_OTLP_ENDPOINT": end.url}), launched=True)
    tries = Counter(path for path, _ in end.requests)
    assert sorted(tries.values()) == [1, 1, 2]


def test_an_endpoint_that_never_answers_has_one_time_for_all_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """What exports to an endpoint have lost when the process ends is not there for the next ones."""
    monkeypatch.setattr(exporters, "_exiting", True)
    monkeypatch.setattr(exporters, "_failed_seconds", defaultdict(float))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://down:4318")
    now = 0.0
    monkeypatch.setattr(exporters, "monotonic", lambda: now)

    class NeverAnswered:
        def __init__(self, timeout: float | None) -> None:
            self.timeout = timeout

        def export(self, _batch: object) -> str:
            nonlocal now
            now += self.timeout or 0
            return "failed"

        def shutdown(self) -> None:
            return

    monkeypatch.setattr(exporters, "_supervised", [])
    for signal in ("logs", "metrics", "traces"):
        exporter = exporters.SupervisedExporter(signal, NeverAnswered, "failed")
        exporter.prepare_exit()
        for _batch in range(4):
            assert exporter.export([]) == "failed"
    assert now == exporters.EXIT_SECONDS


def test_a_moment_of_overload_at_the_end_loses_nothing() -> None:
    """A program that has only just ended tries again when the endpoint was busy."""
    with far_end(503) as end:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": end.url, "OTEL_TRACES_EXPORTER": "none"}
        with running(f"{INSTRUMENT}{MODEL}\nmodel.predict([[1]])", variables, launched=False) as process:
            end.wait_for(1)
            end.status = 200
            _, errors = process.communicate()
        assert errors == ""
        assert [path for path, _ in end.requests] == ["/v1/metrics"] * 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="resource")
def test_memory_is_bounded() -> None:
    """A hundred thousand recorded calls with nobody to take them leave no more behind than the queues hold."""
    program = f"""
import otelml
otelml.instrument(overhead_budget="100%")
{MODEL}
import resource

def grown(calls):
    for _ in range(calls):
        model.predict([[1]])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = grown(10_000)
print((grown(100_000) - before) / 1024)
"""
    there = {**OFTEN, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{nobody()}"}
    done = run(program, env=environment(there))
    assert float(done.stdout) < 20
