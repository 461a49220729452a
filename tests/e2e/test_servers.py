"""Servers with several worker processes: every request's predictions are counted in the process that made them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from otelml.semconv import metrics
from tests.distro.far_end import nobody
from tests.e2e.programs import LAUNCHER, MODEL, environment
from tests.support.endpoint import OtlpEndpoint
from tests.support.recorded import RecordedSpan

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")

REQUESTS = 20
CALLS, DURATION = metrics.ML_INFERENCE_CALLS.name, metrics.ML_INFERENCE_DURATION.name
INSTANCE = "service.instance.id"

WSGI = (
    MODEL
    + """
import os
model.predict([[1]])  # warmed up, in the parent where the application is preloaded

def app(environ, start_response):
    model.predict([[1], [2]])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""
)
ASGI = (
    MODEL
    + """
import os
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
def predict() -> int:
    model.predict([[1], [2]])
    return os.getpid()
"""
)
INSTRUMENT = "import otelml\notelml.instrument(overhead_budget='100%')\n"


@contextmanager
def serving(folder: Path, program: str, *command: str, env: dict[str, str], address: str) -> Iterator[list[str]]:
    """A server that has answered by now; on leaving it is stopped as by Kubernetes, and its errors are in the list."""
    (folder / "program.py").write_text(program)
    lines: list[str] = []
    process = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)
    reader = threading.Thread(target=lambda stream: lines.extend(stream), args=[process.stderr])
    reader.start()
    try:
        deadline = time.monotonic() + 60
        while not answers(address):
            assert process.poll() is None, "".join(lines)
            assert time.monotonic() < deadline, "".join(lines)
            time.sleep(0.05)
        yield lines
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    finally:
        process.kill()
        process.wait()
        reader.join()
        stream: IO[str] | None = process.stderr
        assert stream is not None
        stream.close()


def answers(address: str) -> bytes | None:
    """The answer of a server, None where there is none."""
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=20) as answer:
            return bytes(answer.read())
    except OSError:
        return None


def ask_until_two_workers_answered(address: str) -> int:
    """Make requests until two processes have answered some, and return how many were made."""
    workers: set[bytes | None] = set()
    made = 0
    while made < REQUESTS or len(workers) < 2:
        workers.add(answers(address))
        made += 1
        assert None not in workers
        assert made < 2000
    return made


@pytest.mark.parametrize(
    ("launched", "preload"),
    [
        pytest.param(True, ["--preload"], id="launcher, preload"),
        pytest.param(True, [], id="launcher", marks=pytest.mark.slow),
        pytest.param(False, ["--preload"], id="instrument(), preload", marks=pytest.mark.slow),
        pytest.param(False, [], id="instrument()", marks=pytest.mark.slow),
    ],
)
def test_gunicorn(otlp_endpoint: OtlpEndpoint, tmp_path: Path, launched: bool, preload: list[str]) -> None:
    """Each worker of gunicorn counts its own predictions to the last one, however otelml is enabled."""
    address = nobody()
    gunicorn = [sys.executable, "-m", "gunicorn", "--workers=2", f"--bind={address}", *preload, "program:app"]
    command = [*(LAUNCHER if launched else []), *gunicorn]
    env = environment(otlp_endpoint.environment, {"OTELML_OVERHEAD_BUDGET": "100%"})
    with serving(tmp_path, WSGI if launched else INSTRUMENT + WSGI, *command, env=env, address=address) as lines:
        made = ask_until_two_workers_answered(address) + 1
    assert "otelml" not in "".join(lines)
    points = otlp_endpoint.points(CALLS)
    assert len({it.resource[INSTANCE] for it in points}) == len(points) == (3 if preload else 2)
    warmed_up = 1 if preload else 2
    assert otlp_endpoint.total(CALLS) == made + warmed_up
    assert {it.resource[INSTANCE]: it.value for it in points} == {
        it.resource[INSTANCE]: it.count for it in otlp_endpoint.points(DURATION)
    }


def _predicts(endpoint: OtlpEndpoint) -> list[RecordedSpan]:
    return [span for span in endpoint.spans if span.name == "predict Model"]


@pytest.mark.slow
def test_uvicorn(otlp_endpoint: OtlpEndpoint, tmp_path: Path) -> None:
    """The workers of uvicorn, which are spawned and end by a signal, have exported all up to their last interval."""
    address = nobody()
    host, _, port = address.partition(":")
    command = [
        *LAUNCHER,
        sys.executable,
        "-m",
        "uvicorn",
        "--workers=2",
        f"--host={host}",
        f"--port={port}",
        "program:app",
    ]
    often = {"OTEL_METRIC_EXPORT_INTERVAL": "200", "OTEL_BSP_SCHEDULE_DELAY": "200", "OTELML_OVERHEAD_BUDGET": "100%"}
    env = environment(otlp_endpoint.environment, often, everything_instrumented=True)
    with serving(tmp_path, ASGI, *command, env=env, address=address):
        made = ask_until_two_workers_answered(address) + 1
        deadline = time.monotonic() + 30
        while otlp_endpoint.total(CALLS) < made or len(_predicts(otlp_endpoint)) < made:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    points = otlp_endpoint.points(CALLS)
    assert len({it.resource[INSTANCE] for it in points}) == len(points) == 2
    assert otlp_endpoint.total(CALLS) == made
    assert sum(it.count or 0 for it in otlp_endpoint.points(DURATION)) == made
    assert all(it.parent_id for it in _predicts(otlp_endpoint))  # the request's, of FastAPI's own instrumentation
