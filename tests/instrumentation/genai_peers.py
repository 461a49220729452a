"""A process with another instrumentation beside ours: what both say of a few calls, as JSON.

`python -m tests.instrumentation.genai_peers PEER CLIENT ORDER`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

CLASSES = {"openai": "OpenAIInstrumentor", "anthropic": "AnthropicInstrumentor"}
MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]

PEERS = {
    "official": "opentelemetry.instrumentation.genai.{}",
    "openllmetry": "opentelemetry.instrumentation.{}",
    "openinference": "openinference.instrumentation.{}",
    "openlit": "openlit.instrumentation.{}",
    "logfire": "logfire",
}
"""Where their instrumentors are."""


def theirs(peer: str, client: str) -> None:
    """Switch the other instrumentation on."""
    if peer == "logfire":
        logfire = import_module("logfire")
        logfire.configure(send_to_logfire=False, console=False, inspect_arguments=False)
        getattr(logfire, f"instrument_{client}")()
        return
    if peer == "openlit":
        config = import_module("openlit._config").OpenlitConfig
        config.reset_to_defaults()
        setup = import_module("openlit.otel.metrics").setup_meter
        config.metrics_dict, _ = setup(
            application_name="a", environment="e", meter=None, otlp_endpoint=None, otlp_headers=None
        )
    getattr(import_module(PEERS[peer].format(client)), CLASSES[client])().instrument()


def openai_calls() -> list[Callable[[], Any]]:
    """A chat, a stream of one, a response, embeddings."""
    from openai import OpenAI

    from tests.support.fakes.openai import FakeOpenAI

    client: Any = OpenAI(base_url=f"{FakeOpenAI().url}/v1", api_key="none")
    ask: dict[str, Any] = {"model": "m", "messages": MESSAGES}
    return [
        lambda: client.chat.completions.create(**ask),
        lambda: list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True})),
        lambda: client.responses.create(model="m", input="Hello"),
        lambda: client.embeddings.create(model="m", input="Hello"),
    ]


def anthropic_calls() -> list[Callable[[], Any]]:
    """A message, and a stream of one."""
    from anthropic import Anthropic

    from tests.support.fakes.anthropic import FakeAnthropic

    client: Any = Anthropic(base_url=FakeAnthropic().url, api_key="none")
    ask: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": MESSAGES}
    return [lambda: client.messages.create(**ask), lambda: list(client.messages.create(**ask, stream=True))]


def main(peer: str, client: str, order: str) -> None:
    """Make the calls, and print how many there were, the spans of ours, and the counts of input tokens."""
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider([reader]))

    ours = getattr(import_module(f"otelml.instrumentation.{client}"), CLASSES[client])()
    steps: list[Callable[[], Any]] = [ours.instrument, lambda: theirs(peer, client)]
    for step in steps if order == "ours_first" else reversed(steps):
        step()
    calls = openai_calls() if client == "openai" else anthropic_calls()
    for call in calls:
        call()

    of_ours = [
        it.name for it in spans.get_finished_spans() if (it.instrumentation_scope or it).name.startswith("otelml")
    ]
    print(json.dumps({"calls": len(calls), "spans_of_ours": of_ours, "counts": _counts(reader)}))


def _counts(reader: InMemoryMetricReader) -> int:
    data: Any = reader.get_metrics_data()
    points = [
        point
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "gen_ai.client.token.usage"
        for point in metric.data.data_points
    ]
    return sum(it.count for it in points if it.attributes["gen_ai.token.type"] == "input")


if __name__ == "__main__":
    main(*sys.argv[1:])
