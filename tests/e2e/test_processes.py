"""Child processes: each counts its own calls from zero, says who it is, and nothing hangs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from otelml.semconv import metrics
from tests.e2e.programs import MODEL, environment, run
from tests.support.endpoint import OtlpEndpoint

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")

CALLS, DURATION = metrics.ML_INFERENCE_CALLS.name, metrics.ML_INFERENCE_DURATION.name
INSTANCE = "service.instance.id"
QUIET = {
    "PYTHONWARNINGS": "ignore:This process:DeprecationWarning"
}  # Python 3.12 warns of a fork while there are threads

FORKING = f"""
import os, sys
import otelml
otelml.instrument(overhead_budget="100%")
from opentelemetry import trace
{MODEL}
def predict(calls):
    for _ in range(calls):
        model.predict([[1]])

predict(3)
trace.get_tracer_provider().force_flush()
children = []
for calls in (5, 7):
    child = os.fork()
    if not child:
        with trace.get_tracer("app").start_as_current_span("request"):
            predict(calls)
        sys.exit()
    children.append(child)
predict(1)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
"""

MULTIPROCESSING = f"""
import multiprocessing, sys
import otelml
otelml.instrument(overhead_budget="100%")
{MODEL}
def predict(calls):
    for _ in range(calls):
        model.predict([[1]])

if __name__ == "__main__":
    predict(3)
    context = multiprocessing.get_context(sys.argv[1])
    children = [context.Process(target=predict, args=(calls,)) for calls in (5, 7)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
"""

HOT = f"""
import os, sys, threading, time
import otelml
otelml.instrument(overhead_budget="100%")
from opentelemetry import metrics
{MODEL}
ended = False
model.predict([[1]])
metrics.get_meter_provider().force_flush()  # Python's own imports, which the first request causes, don't survive a fork

def loop():
    while not ended:
        model.predict([[1]])

def collect():
    while not ended:
        metrics.get_meter_provider().force_flush()

threads = [threading.Thread(target=target) for target in (loop, loop, collect)]
for thread in threads:
    thread.start()
for _ in range(30):
    child = os.fork()
    if not child:
        for _ in range(9):
            model.predict([[1]])
        metrics.get_meter_provider().force_flush()
        os._exit(0)
    deadline = time.monotonic() + 20
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, 9)
            print("a child hangs")
            os._exit(1)
        time.sleep(0.005)
ended = True
for thread in threads:
    thread.join()
"""


def by_process(endpoint: OtlpEndpoint, metric: str, *, count: bool = False) -> list[float]:
    """What each process counted, smallest first."""
    points = endpoint.points(metric)
    assert len({it.resource[INSTANCE] for it in points}) == len(points)
    return sorted((it.count or 0) if count else it.value for it in points)


def test_forked_processes_count_for_themselves(otlp_endpoint: OtlpEndpoint) -> None:
    """Parent and children have their own calls, durations and spans, under their own instance ids."""
    done = run(FORKING, env=environment(otlp_endpoint.environment, QUIET))
    assert done.stderr == ""
    assert by_process(otlp_endpoint, CALLS) == [4, 5, 7]
    assert by_process(otlp_endpoint, DURATION, count=True) == [4, 5, 7]
    assert {it.resource[INSTANCE] for it in otlp_endpoint.points(CALLS)} == {
        it.resource[INSTANCE] for it in otlp_endpoint.spans
    }
    requests = [it for it in otlp_endpoint.spans if it.name == "request"]
    predicts = [it for it in otlp_endpoint.spans if it.name == "predict Model"]
    assert len(predicts) == 16
    for request in requests:
        inside = [it for it in predicts if it.parent_id == request.span_id]
        assert len(inside) in (5, 7)
        assert {it.resource[INSTANCE] for it in inside} == {request.resource[INSTANCE]}
    assert sum(not it.parent_id for it in predicts) == 4
    assert len({it.span_id for it in otlp_endpoint.spans}) == 18  # the children don't draw the same ids


@pytest.mark.parametrize(
    "method",
    ["fork", pytest.param("spawn", marks=pytest.mark.slow), pytest.param("forkserver", marks=pytest.mark.slow)],
)
def test_multiprocessing(otlp_endpoint: OtlpEndpoint, tmp_path: Path, method: str) -> None:
    """However `multiprocessing` starts its processes, what they counted arrives when they end."""
    program = tmp_path / "program.py"
    program.write_text(MULTIPROCESSING)
    done = run(program, method, env=environment(otlp_endpoint.environment, QUIET))
    assert done.stderr == ""
    assert by_process(otlp_endpoint, CALLS) == [3, 5, 7]
    assert by_process(otlp_endpoint, DURATION, count=True) == [3, 5, 7]


@pytest.mark.slow
def test_forked_while_other_threads_predict_and_collect(otlp_endpoint: OtlpEndpoint) -> None:
    """A process forked in the middle of a hot loop and of a collection neither hangs nor inherits anything."""
    run(HOT, env=environment(otlp_endpoint.environment, QUIET))
    *children, _parent = by_process(otlp_endpoint, CALLS)
    assert children == [9] * 30
    assert by_process(otlp_endpoint, DURATION, count=True)[:-1] == [9] * 30
