"""Others around the call: one span and one count, whoever made them; and what the hook is told of the server."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.context import attach, detach, get_current, set_value
from opentelemetry.instrumentation.utils import suppress_instrumentation

import otelml
from otelml.instrumentation._genai.servers import provider_at
from otelml.observations.genai import GenAICall
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.telemetry.genai.names import EMBEDDING_CONTEXT, INFERENCE_CONTEXT
from tests.instrumentation.openai.conftest import Switch
from tests.support.fakes.http import Reply
from tests.support.fakes.openai import MODEL, FakeOpenAI, chat
from tests.support.telemetry import Telemetry

DURATION = metrics.GEN_AI_CLIENT_OPERATION_DURATION.name
on = pytest.mark.usefixtures("instrumented")


def ask(client: Any, **changes: Any) -> Any:
    """A chat completion."""
    return client.chat.completions.create(**{"model": "m", "messages": [{"role": "user", "content": "Hi"}], **changes})


@on
def test_suppressed_calls_leave_no_trace(client: Any, telemetry: Telemetry) -> None:
    """`suppress_instrumentation` holds for answers and for streams, which are the library's own objects then."""
    from openai import Stream

    with suppress_instrumentation():
        assert ask(client).choices
        assert type(ask(client, stream=True)) is Stream

    assert telemetry.spans == []
    assert telemetry.points(DURATION) == []


@on
@pytest.mark.parametrize(("key", "spans"), [(INFERENCE_CONTEXT, ["embeddings e"]), (EMBEDDING_CONTEXT, ["chat m"])])
def test_a_call_inside_an_outer_one_is_the_outer_one_s(
    client: Any, telemetry: Telemetry, key: str, spans: list[str]
) -> None:
    """By OpenTelemetry's context keys: an inference inside an inference is silent, an embedding is not."""
    token = attach(set_value(key, object()))
    ask(client)
    client.embeddings.create(model="e", input="Hi")
    detach(token)

    assert [span.name for span in telemetry.spans] == spans


@on
def test_a_call_marks_itself_for_others(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """While the request is made its span is current and the key set; afterwards both are gone."""
    seen: list[Any] = []
    sending = client._client.send

    def send(*args: Any, **kwargs: Any) -> Any:
        seen.append(get_current())
        return sending(*args, **kwargs)

    client._client.send = send
    ask(client)

    assert seen[0].get(INFERENCE_CONTEXT) is not None
    assert INFERENCE_CONTEXT not in get_current()


FOREIGN: list[tuple[str, dict[str, Any], bool]] = [
    ("opentelemetry.instrumentation.genai.openai", {"gen_ai.operation.name": "chat"}, False),
    ("opentelemetry.instrumentation.openai.v1", {"llm.request.type": "chat"}, False),
    ("openinference.instrumentation.openai", {"openinference.span.kind": "LLM"}, True),
    ("openlit.otel.tracing", {"gen_ai.operation.name": "chat"}, False),
    ("logfire.openai", {"request_data": "{}"}, True),
]


@on
@pytest.mark.parametrize(("scope", "attributes", "counted"), FOREIGN, ids=[row[0] for row in FOREIGN])
def test_a_span_of_another_instrumentation_is_the_only_one(
    client: Any, telemetry: Telemetry, scope: str, attributes: dict[str, Any], counted: bool
) -> None:
    """No second span; and metrics of ours only where the other instrumentation has none."""
    tracer = telemetry.tracer_provider.get_tracer(scope)
    with tracer.start_as_current_span("theirs", attributes=attributes):
        ask(client)
        list(ask(client, stream=True))

    assert [span.name for span in telemetry.spans] == ["theirs"]
    assert sum(point.count or 0 for point in telemetry.points(DURATION)) == (2 if counted else 0)


@on
def test_a_span_of_an_agent_is_no_call(client: Any, telemetry: Telemetry) -> None:
    """Inside an agent's span, whoever made it, a call has a span of its own."""
    tracer = telemetry.tracer_provider.get_tracer("their.agents")
    with tracer.start_as_current_span("invoke_agent x", attributes={"gen_ai.operation.name": "invoke_agent"}):
        ask(client)

    assert telemetry.span("chat m").parent_id == telemetry.span("invoke_agent x").span_id


@on
def test_attributes_of_the_application(client: Any, telemetry: Telemetry) -> None:
    """`otelml.attributes` go on the spans of calls."""
    telemetry.allow("shop")
    with otelml.attributes({"shop": "a"}):
        ask(client)

    assert telemetry.span("chat m").attributes["shop"] == "a"


def test_attributes_on_metrics_where_allowed(client: Any, switch_on: Switch, telemetry: Telemetry) -> None:
    """Those that the settings allow go on metrics, bounded."""
    switch_on(metric_attributes="shop")
    telemetry.allow("shop")
    with otelml.attributes({"shop": "a", "user": "u"}):
        telemetry.allow("user")
        ask(client)

    assert telemetry.point(DURATION).attributes["shop"] == "a"
    assert "user" not in telemetry.point(DURATION).attributes


def test_observers_are_told_of_every_call(client: Any, switch_on: Switch, telemetry: Telemetry) -> None:
    """They get the facts once a call has ended, and what they return goes on its span."""
    calls: list[GenAICall] = []

    class Observer:
        def observe_genai(self, call: GenAICall) -> dict[str, Any]:
            calls.append(call)
            return {names.ML_GEN_AI_CONTEXT_WINDOW_SIZE: 400_000}

    switch_on(observers=(Observer(),))
    ask(client)
    list(ask(client, stream=True))

    whole, streamed = calls
    assert (whole.provider, whole.operation, whole.request_model, whole.response_model) == (
        "openai",
        "chat",
        "m",
        MODEL,
    )
    assert (whole.usage.input, whole.usage.output, whole.usage.cache_read, whole.usage.reasoning) == (19, 10, 8, 4)
    assert (whole.chunks, streamed.chunks, streamed.usage.known) == (0, 5, False)
    assert whole.recording
    assert 0 < whole.duration < 60
    assert [span.attributes[names.ML_GEN_AI_CONTEXT_WINDOW_SIZE] for span in telemetry.spans] == [400_000] * 2


def test_an_observer_that_raises_is_contained(
    client: Any, contained_faults: None, switch_on: Switch, telemetry: Telemetry
) -> None:
    """The application has its answer, and the span all that the core knows."""

    class Broken:
        def observe_genai(self, call: GenAICall) -> dict[str, Any]:
            raise RuntimeError

    switch_on(observers=(Broken(),))

    assert ask(client).choices
    assert telemetry.span().attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 19


@on
@pytest.mark.parametrize("moment", ["on_start", "on_end"])
def test_a_span_processor_that_raises(
    client: Any, contained_faults: None, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Answers and streams arrive whatever a processor does, and every call is counted."""

    def raises(*_: Any) -> None:
        raise RuntimeError("broken processor")

    monkeypatch.setattr(telemetry.tracer_provider._active_span_processor, moment, raises)

    assert ask(client).choices
    assert len(list(ask(client, stream=True))) == 5


@on
@pytest.mark.parametrize(
    "answer",
    [
        chat(choices=[]),
        chat(choices=None),
        chat(choices=[{"index": 0, "message": None, "finish_reason": "stop"}]),
        chat(usage=None),
        chat(usage={"prompt_tokens": "many", "completion_tokens": None, "total_tokens": 1.5}),
        chat(model=None, id=None),
        {},
    ],
    ids=["no choices", "null choices", "null message", "null usage", "odd usage", "no model", "nothing"],
)
def test_odd_answers_are_the_application_s(
    client: Any, api: FakeOpenAI, telemetry: Telemetry, answer: dict[str, Any]
) -> None:
    """What the client makes of an answer is what the application gets, and there is a span without an error."""
    api.reply("/v1/chat/completions", Reply(body=answer), Reply(body=answer))

    ask(client)
    client.chat.completions.with_raw_response.create(model="m", messages=[])

    assert [span.status for span in telemetry.spans] == ["UNSET", "UNSET"]


@on
def test_an_answer_that_is_no_json(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """The client hands out the text of a page; so does the instrumented one."""
    api.reply("/v1/chat/completions", Reply(body=b"<html>", headers={"content-type": "text/html"}))

    assert ask(client) == "<html>"

    assert telemetry.span("chat m").attributes[names.ML_GEN_AI_USAGE_STATUS] == "missing"


@on
def test_azure_is_named(api: FakeOpenAI, telemetry: Telemetry) -> None:
    """Azure's client asks Azure, whatever the address is that it goes through."""
    from openai import AzureOpenAI

    url = api.url.replace("127.0.0.1", "localhost")
    with AzureOpenAI(api_key="none", api_version="2025-01-01", azure_endpoint=url, max_retries=0) as azure:
        ask(azure)

    assert api.asked[0].path.startswith("/openai/deployments/m/chat/completions")
    assert telemetry.span("chat m").attributes[names.GEN_AI_PROVIDER_NAME] == "azure.ai.openai"


@pytest.mark.parametrize(
    ("host", "port", "provider"),
    [
        ("api.openai.com", None, "openai"),
        ("eu.api.openai.com", None, "openai"),
        ("mine.openai.azure.com", None, "azure.ai.openai"),
        ("api.groq.com", None, "groq"),
        ("api.deepseek.com", None, "deepseek"),
        ("api.x.ai", None, "x_ai"),
        ("openrouter.ai", None, "openrouter"),
        ("api.together.xyz", None, "together"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", None, "aws.bedrock"),
        ("localhost", 11434, "ollama"),
        ("vllm.models.svc", 8000, "vllm"),
        ("gpu-7.internal", 8000, "mine"),
        ("notapi.openai.com.evil.org", None, None),
    ],
)
def test_providers_are_named_by_their_address(host: str, port: int | None, provider: str | None) -> None:
    """By domain, by the default port of a local server, by a word in its name, or as the settings say."""
    assert provider_at(host, port, ("gpu-7.internal:8000=mine",)) == provider


def test_switching_on_imports_no_client() -> None:
    """`otelml.instrument()` with every hook imports neither OpenAI's client nor another one."""
    code = "import sys, otelml; otelml.instrument(); print([it for it in ('openai', 'anthropic') if it in sys.modules])"
    environment = {**os.environ, "OTEL_SDK_DISABLED": "true"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
