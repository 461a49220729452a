"""``otelml view`` as a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

import pytest

from otelml.viewer.receiver import OtlpReceiver
from tests.viewer.churn_app import ChurnApp

VIEW = [sys.executable, "-m", "otelml.cli.main", "view"]
FREE = ["--http-port", "0", "--grpc-port", "0"]

EMITS = """
import os
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.{protocol}.trace_exporter import OTLPSpanExporter
from otelml.semconv import attributes as names

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
attributes = {{names.ML_OPERATION_NAME: names.OperationName.PREDICT}}
provider.get_tracer("test").start_span("predict churn", attributes=attributes).end()
provider.shutdown()
raise SystemExit(3)
"""


def view(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*VIEW, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


@contextmanager
def viewing(arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Run the command beside the test."""
    process = subprocess.Popen([*VIEW, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        out(process).close()


def out(process: subprocess.Popen[str]) -> IO[str]:
    """The process's output."""
    assert process.stdout is not None
    return process.stdout


@pytest.mark.parametrize(("protocol", "package"), [("http/protobuf", "http"), ("grpc", "grpc")])
def test_a_command_s_telemetry_is_shown(protocol: str, package: str) -> None:
    """A command exports to the viewer by the protocol that it is set to, and its exit code is the viewer's."""
    done = view("--", sys.executable, "-c", EMITS.format(protocol=package), OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
    assert done.returncode == 3, done.stderr
    assert re.search(r"^predict churn  internal", done.stdout, re.MULTILINE)


def test_the_environment_of_a_command() -> None:
    """All three signals lead to the viewer, whatever the environment said before, and soon."""
    program = "import os; print({k: v for k, v in os.environ.items() if k.startswith('OTEL_')})"
    set_before = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://elsewhere:1",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://elsewhere:2",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "mine",
        "OTEL_METRIC_EXPORT_INTERVAL": "250",
    }
    done = view("--", sys.executable, "-c", program, **set_before)
    seen = dict(re.findall(r"'(\w+)': '([^']*)'", done.stdout))
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", seen.pop("OTEL_EXPORTER_OTLP_ENDPOINT"))
    assert seen == {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_SERVICE_NAME": "mine",
        "OTEL_METRIC_EXPORT_INTERVAL": "250",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_BLRP_SCHEDULE_DELAY": "500",
    }


def test_options_of_a_command_are_its_own() -> None:
    """What follows -- is left as it is, a second -- included."""
    done = view("--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--http-port", "--", "x")
    assert done.stdout.startswith("['--http-port', '--', 'x']")


def test_a_command_that_is_not_there() -> None:
    """As in a shell, the exit code is 127, with a reason."""
    done = view("--", "no-such-command")
    assert done.returncode == 127
    assert "can't run no-such-command" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_command_that_is_stopped() -> None:
    """SIGTERM is passed on to the command, and that it ended by a signal is told as a shell tells it."""
    with viewing(["--", sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"]) as process:
        assert out(process).readline() == "up\n"
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_viewing_until_interrupted(number: signal.Signals) -> None:
    """Without a command the endpoints are named, and what arrived until Ctrl-C is shown."""
    with viewing(FREE) as process:
        heading = out(process).readline()
        endpoint = re.search(r"OTLP/HTTP at (http://127\.0\.0\.1:\d+), OTLP/gRPC at http://127\.0\.0\.1:\d+", heading)
        assert endpoint is not None
        app = ChurnApp(endpoint[1])
        app.serve([0.01], [0.7])
        app.close()
        process.send_signal(number)
        shown = out(process).read()
        assert process.wait(30) == 0
    assert re.search(r"^churn\s+predict_proba\s+1\s+0", shown, re.MULTILINE)


def test_a_taken_port() -> None:
    """A port that another process has is a message that names it, not a traceback."""
    with OtlpReceiver(lambda *_: None) as other:
        other_port = other.http_port
        done = view("--http-port", str(other_port), "--grpc-port", "0")
    assert done.returncode == 1
    assert f"can't listen on 127.0.0.1:{other_port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_impossible_port() -> None:
    """A number that is no port is refused as wrong usage."""
    done = view("--grpc-port", "65536")
    assert done.returncode == 2
    assert "between 0 and 65535" in done.stderr
