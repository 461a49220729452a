"""The real backends, the Collector in front of them, and what the demo's programs sent through it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from otelml.cli.children import launcher
from otelml.cli.demo_example import ChurnExample
from tests.backends.gateway import Gateway, start_gateway
from tests.backends.prepare import PROGRAMS, Unavailable
from tests.backends.relay import Relay, Together
from tests.backends.running import Program, free_ports
from tests.dashboards.demos import EXAMPLES, ORDERS, QUESTIONS, launch, providers

EXAMPLE = EXAMPLES / "churn_flask"
SCORER = Path(__file__).with_name("scorer.py")
REQUESTS = 40


@dataclass
class Backends:
    """What runs, by the name of its exporter file, and why the others don't."""

    running: dict[str, Program] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def url(self, name: str) -> str:
        """Where a backend answers; the test is skipped if it isn't here."""
        if name not in self.running:
            pytest.skip(self.absent[name])
        return self.running[name].url


Start = Callable[[Path], tuple[Program, str, dict[str, str]]]
"""Starts a backend with files in a folder; returns it, a path that answers, and the variables of its exporter file."""


def _victoriametrics(folder: Path) -> tuple[Program, str, dict[str, str]]:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    options = ["-opentelemetry.usePrometheusNaming=true", "-search.latencyOffset=0s", "-retentionPeriod=1d"]
    command = [PROGRAMS["victoria-metrics"].find(), f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}"]
    return Program([*command, *options], folder / "log", url), "/health", {"VICTORIAMETRICS_URL": url}


def _phoenix(folder: Path) -> tuple[Program, str, dict[str, str]]:
    port, grpc_port = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    command = [PROGRAMS["arize-phoenix"].find(), "serve"]
    return Program(command, folder / "log", url, environment), "/healthz", {"PHOENIX_URL": url}


def _mlflow(folder: Path) -> tuple[Program, str, dict[str, str]]:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1"]
    command = [PROGRAMS["mlflow"].find(), "server", "--host", "127.0.0.1", "--port", str(port), *store]
    # Its scripts call each other by name.
    environment = {"PATH": f"{PROGRAMS['mlflow'].find().parent}:{os.environ['PATH']}"}
    program = Program(command, folder / "log", url, environment)
    return program, "/health", {"MLFLOW_URL": url, "MLFLOW_EXPERIMENT_ID": "0"}


def _datadog(folder: Path) -> tuple[Program, str, dict[str, str]]:
    port, http_port, grpc_port = free_ports(3)
    ports = ["-p", str(port), "--otlp-http-port", str(http_port), "--otlp-grpc-port", str(grpc_port)]
    command = [PROGRAMS["ddapm-test-agent"].find(), "--host", "127.0.0.1", *ports]
    program = Program(command, folder / "log", f"http://127.0.0.1:{http_port}")
    return program, "/test/session/traces", {"DD_AGENT_ENDPOINT": f"127.0.0.1:{grpc_port}"}


STARTS: dict[str, Start] = {
    "victoriametrics": _victoriametrics,
    "phoenix": _phoenix,
    "mlflow": _mlflow,
    "datadog-agent": _datadog,
}


@pytest.fixture(scope="module")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    """All backends that can be had here."""
    found = Backends()
    with ExitStack() as stack:
        waiting = []
        for name, start in STARTS.items():
            try:
                program, path, environment = start(tmp_path_factory.mktemp(name))
            except Unavailable as reason:
                found.absent[name] = str(reason)
                continue
            stack.enter_context(program)
            found.running[name] = program
            found.environment.update(environment)
            waiting.append((program, path))
        for program, path in waiting:
            program.await_ready(path)
        yield found


@pytest.fixture(scope="module")
def gateway(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The Collector with gateway.yaml and the exporter files of all backends that run."""
    with ExitStack() as stack:
        try:
            yield start_gateway(stack, list(backends.running), backends.environment, tmp_path_factory.mktemp("gateway"))
        except Unavailable as reason:
            pytest.skip(str(reason))


@pytest.fixture(scope="module")
def sent(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    """What was sent: the examples over HTTP, batch scoring over gRPC with exponential histograms."""
    folder = tmp_path_factory.mktemp("churn")
    over_http, over_grpc = Relay(gateway.http), Relay(gateway.http, gateway.grpc)
    _examples(folder, over_http.receiver.http_endpoint)
    example = ChurnExample(EXAMPLE, folder, over_http.receiver)
    example.train()
    with example.serve():
        example.send(REQUESTS)
    _score(folder, over_grpc)
    yield Together(over_http, over_grpc)
    over_http.close()
    over_grpc.close()


def _examples(folder: Path, endpoint: str) -> None:
    """Those whose libraries are here: a chat, an agent, a training loop."""
    if find_spec("openai") and find_spec("anthropic"):
        with providers() as keys:
            launch(EXAMPLES / "chat_openai" / "app.py", *QUESTIONS[:2], endpoint=endpoint, **keys)
            launch(EXAMPLES / "agent_anthropic" / "app.py", *ORDERS[:2], endpoint=endpoint, **keys)
    if find_spec("torch"):
        train = EXAMPLES / "train_torch" / "train.py"
        launch(train, "--epochs", "1", "--output", str(folder), endpoint=endpoint)


def _score(folder: Path, relay: Relay) -> None:
    command = launcher()
    assert command is not None
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "OTEL_SERVICE_NAME": "churn-scorer",
        "OTEL_EXPORTER_OTLP_ENDPOINT": relay.receiver.grpc_endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    subprocess.run([command, sys.executable, str(SCORER), str(folder)], env=environment, check=True)
