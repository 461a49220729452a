"""The examples, and two programs for what they leave out: their telemetry goes through the Collector into a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import yaml

from otelml.cli.children import Server
from otelml.cli.demo_example import ChurnExample
from otelml.semconv import attributes as names
from otelml.viewer.receiver import OtlpReceiver
from tests.backends.prepare import PROGRAMS
from tests.backends.running import free_ports
from tests.dashboards.store import Store
from tests.e2e.programs import environment, run

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTIONS = ("How long does delivery take?", "Can I send it back for a refund?", "Can I pay by card?") * 12
ORDERS = ("Where is order A123?", "I want my money back for B456") * 40
USERS = f"{names.ML_GEN_AI_CONVERSATION_PERSONA},{names.ML_GEN_AI_QUERY_TYPE}"
_TIMEOUT = 300


@contextmanager
def collector(folder: Path, store: Store) -> Iterator[str]:
    """A Collector that sends metrics to a store, its own among them, the rest elsewhere; the address of its OTLP/HTTP.

    Raises:
        Unavailable: there is no Collector.
    """
    program = str(PROGRAMS["otelcol"].find())
    port, other_port = free_ports(2)
    receiver = OtlpReceiver(lambda *_: None, http_port=other_port)
    other = f"http://127.0.0.1:{other_port}"
    elsewhere = {"receivers": ["otlp"], "exporters": ["otlp_http/other"]}
    own = {"otlp": {"protocol": "http/protobuf", "endpoint": store.otlp_metrics}}
    tree = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"otlp_http": {"metrics_endpoint": store.otlp_metrics}, "otlp_http/other": {"endpoint": other}},
        "service": {
            "telemetry": {"metrics": {"readers": [{"periodic": {"interval": 500, "exporter": own}}]}},
            "pipelines": {
                "metrics": {"receivers": ["otlp"], "exporters": ["otlp_http"]},
                "traces": elsewhere,
                "logs": elsewhere,
            },
        },
    }
    config = folder / "collector.yaml"
    config.write_text(yaml.safe_dump(tree))
    with receiver, Server([program, "--config", str(config)], {}, folder / "collector.log"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def churn(folder: Path, endpoint: str) -> Iterator[ChurnExample]:
    """Train the churn model and serve it; the customers that come change in the end."""
    receiver = cast(OtlpReceiver, SimpleNamespace(http_endpoint=endpoint, grpc_endpoint=""))
    example = ChurnExample(EXAMPLES / "churn_flask", folder, receiver)
    example.train()
    with example.serve():
        example.send(700)
        example.send(700, changed=True)
        yield example


def train(folder: Path, endpoint: str) -> None:
    """Run the training examples, and a training whose model is compiled."""
    launch(EXAMPLES / "train_torch" / "train.py", "--epochs", "3", "--output", str(folder), endpoint=endpoint)
    launch(EXAMPLES / "train_lightning" / "train.py", "--epochs", "2", endpoint=endpoint)
    launch(Path(__file__).with_name("compiled.py"), "200", endpoint=endpoint)


def chat(endpoint: str) -> None:
    """Run the examples with LLM clients against the providers that come with them, and an assistant with tools."""
    with providers() as keys:
        launch(EXAMPLES / "chat_openai" / "app.py", *QUESTIONS, endpoint=endpoint, **keys)
        launch(EXAMPLES / "agent_anthropic" / "app.py", *ORDERS, endpoint=endpoint, **keys)
        launch(Path(__file__).with_name("assistant.py"), "40", endpoint=endpoint, **keys)


def launch(program: Path, *arguments: str, endpoint: str, **variables: str) -> None:
    """Run a program under the launcher, exporting to an address; its service is the folder it is in."""
    own = {
        "OTEL_SERVICE_NAME": program.parent.name,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
        "OTELML_METRIC_ATTRIBUTES": USERS,
        "OTELML_GENAI_CHUNK_HISTOGRAM": "true",
        "OTELML_TORCH_FLOPS": "true",
        "OMP_NUM_THREADS": "1",
    }
    run(program, *arguments, env=environment(own, variables), launched=True, timeout=_TIMEOUT)


@contextmanager
def providers() -> Iterator[dict[str, str]]:
    """The examples' providers of LLMs, as the variables of their clients."""
    spec = util.spec_from_file_location("fake_providers", EXAMPLES / "fake_providers" / "server.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.serving() as url:
        yield {
            "OPENAI_BASE_URL": f"{url}/v1",
            "OPENAI_API_KEY": "none",
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "none",
        }
