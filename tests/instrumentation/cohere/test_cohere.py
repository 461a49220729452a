"""Cohere's client over a fake of its API: whole answers, streams and errors, of both versions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.cohere import CohereInstrumentor
from otelml.semconv import attributes as names
from tests.support.fakes.cohere import CALL, TEXT, FakeCohere, chat, error, stream
from tests.support.fakes.http import Reply
from tests.support.genai import DURATION, UNMETERED, Switch, leave, leave_async, switching, tokens
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Hello"}]}
NAME = "chat command-a-03-2025"


@pytest.fixture
def api() -> Iterator[FakeCohere]:
    """The far end, with an empty script."""
    fake = FakeCohere()
    yield fake
    fake.close()


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    import cohere  # noqa: F401  # the hook is for what is imported later, too, but clients keep their methods

    with switching(CohereInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture
def client(api: FakeCohere) -> Iterator[Any]:
    """Makes a synchronous client, to be called once the instrumentation is on."""
    import cohere

    made: list[Any] = []

    def make(kind: str = "ClientV2") -> Any:
        made.append(getattr(cohere, kind)("none", base_url=api.url, max_retries=0))
        return made[-1]

    yield make
    for it in made:
        with it:
            pass


on = pytest.mark.usefixtures("instrumented")


@on
def test_a_chat_is_a_span_with_its_request_and_answer(client: Any, api: FakeCohere, telemetry: Telemetry) -> None:
    """Provider, server, request, answer and tokens, not the billed ones; all is counted once."""
    answer = client().chat(**ASK, temperature=0.2, max_tokens=50, seed=7, k=3, p=0.5, stop_sequences=["END"])

    assert answer.message.content[0].text == TEXT
    span = telemetry.span(NAME)
    assert (span.kind, span.status) == ("client", "UNSET")
    assert span.attributes == {
        names.GEN_AI_OPERATION_NAME: "chat",
        names.GEN_AI_PROVIDER_NAME: "cohere",
        names.GEN_AI_REQUEST_MODEL: "command-a-03-2025",
        names.SERVER_ADDRESS: "127.0.0.1",
        names.SERVER_PORT: api.port,
        names.GEN_AI_REQUEST_TEMPERATURE: 0.2,
        names.GEN_AI_REQUEST_MAX_TOKENS: 50,
        names.GEN_AI_REQUEST_SEED: 7,
        names.GEN_AI_REQUEST_TOP_K: 3,
        names.GEN_AI_REQUEST_TOP_P: 0.5,
        names.GEN_AI_REQUEST_STOP_SEQUENCES: ["END"],
        names.GEN_AI_RESPONSE_ID: "c14c80c3",
        names.GEN_AI_RESPONSE_FINISH_REASONS: ["COMPLETE"],
        names.GEN_AI_USAGE_INPUT_TOKENS: 71,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 418,
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 16,
    }
    assert tokens(telemetry) == {"input": 71, "output": 418}
    assert telemetry.point(DURATION).count == 1


@on
def test_the_other_calls(client: Any, telemetry: Telemetry) -> None:
    """Embeddings have the billed tokens, reranking none; a raw response is seen alike."""
    made = client()
    made.embed(model="embed-v4.0", texts=["Hello"], input_type="classification", embedding_types=["float"])
    made.rerank(model="rerank-v3.5", query="Hello", documents=["a"])
    made.with_raw_response.chat(**ASK)

    assert [span.name for span in telemetry.spans] == ["embeddings embed-v4.0", "other rerank-v3.5", NAME]
    embedded = telemetry.span("embeddings embed-v4.0").attributes
    assert embedded[names.GEN_AI_USAGE_INPUT_TOKENS] == 4
    assert embedded[names.GEN_AI_REQUEST_ENCODING_FORMATS] == ["float"]
    assert telemetry.span("other rerank-v3.5").attributes[names.ML_GEN_AI_OPERATION_METHOD] == "rerank"
    assert telemetry.points(UNMETERED) == []


@on
def test_a_stream_is_one_span_with_its_times_and_tokens(client: Any, telemetry: Telemetry) -> None:
    """The last event has tokens and reason."""
    assert len(list(client().chat_stream(**ASK))) == 8

    found = telemetry.span(NAME).attributes
    assert found[names.GEN_AI_REQUEST_STREAM] is True
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 8
    assert found[names.GEN_AI_RESPONSE_ID] == "29f14a5a"
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["COMPLETE"]
    assert tokens(telemetry) == {"input": 71, "output": 418}


@on
@pytest.mark.parametrize("how", ["close", "dropped", "unread"])
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, how: str) -> None:
    """Closed, dropped or never read: one span that says so, and that has not failed."""
    made = client()
    leave(lambda: made.chat_stream(**ASK), how, telemetry)


@on
def test_the_first_version_of_the_api(client: Any, telemetry: Telemetry) -> None:
    """Its chats, whole and streamed, have the tokens of their `meta`."""
    made = client("Client")
    made.chat(model="command-r", message="Hello", conversation_id="conv_1")
    assert len(list(made.chat_stream(model="command-r", message="Hello"))) == 3

    whole, streamed = telemetry.spans
    assert whole.attributes[names.GEN_AI_CONVERSATION_ID] == "conv_1"
    for span in (whole, streamed):
        assert span.attributes[names.GEN_AI_RESPONSE_ID] == "r1"
        assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["COMPLETE"]
        assert span.attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 68


def asynchronous(api: FakeCohere) -> Any:
    """The asynchronous client."""
    from cohere import AsyncClientV2

    return AsyncClientV2("none", base_url=api.url, max_retries=0)


@on
def test_the_asynchronous_client(api: FakeCohere, telemetry: Telemetry) -> None:
    """Whole answers and streams are seen alike."""

    async def ask() -> None:
        async with asynchronous(api) as client:
            await client.chat(**ASK)
            assert len([it async for it in client.chat_stream(**ASK)]) == 8

    asyncio.run(ask())

    assert [span.attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] for span in telemetry.spans] == [418, 418]


@on
def test_leaving_an_asynchronous_stream_is_no_error(api: FakeCohere, telemetry: Telemetry) -> None:
    """Closed by the application: one span that says so."""
    made = asynchronous(api)

    async def open_stream() -> Any:
        return made.chat_stream(**ASK)

    leave_async(open_stream, telemetry)


@on
def test_errors_are_the_application_s(client: Any, api: FakeCohere, telemetry: Telemetry) -> None:
    """Refused requests are the library's exceptions; a stream that ends in an error says so on its span."""
    import cohere

    made = client()
    api.reply("/v2/chat", error(429, "Slow down."), error(401, "No key."), stream("ERROR"))
    with pytest.raises(cohere.TooManyRequestsError):
        made.chat(**ASK)
    with pytest.raises(cohere.UnauthorizedError):
        list(made.chat_stream(**ASK))
    list(made.chat_stream(**ASK))

    assert [span.attributes[names.ERROR_TYPE] for span in telemetry.spans] == [
        "cohere.errors.too_many_requests_error.TooManyRequestsError",
        "cohere.errors.unauthorized_error.UnauthorizedError",
        "ERROR",
    ]
    assert telemetry.points(UNMETERED) == []


@pytest.mark.parametrize("content", ["no_content", "span_only"])
def test_content(client: Any, api: FakeCohere, switch_on: Switch, telemetry: Telemetry, content: str) -> None:
    """Prompts, plans, tool calls and answers are told only where content is wanted, streamed or not."""
    switch_on(genai_content=content)
    made = client()
    said = {"role": "assistant", "tool_plan": "Hm.", "content": [{"type": "text", "text": TEXT}], "tool_calls": [CALL]}
    api.reply("/v2/chat", Reply(body=chat(message=said, finish_reason="TOOL_CALL")))
    made.chat(**ASK)
    list(made.chat_stream(**ASK))
    list(client("Client").chat_stream(model="command-r", message="Hello"))

    *new, old = (span.attributes for span in telemetry.spans)
    for found in (*new, old):
        told = "".join(str(value) for value in found.values())
        assert [word in told for word in ("Hello", TEXT)] == [content == "span_only"] * 2
    if content == "span_only":
        for found in new:
            parts = json.loads(found[names.GEN_AI_OUTPUT_MESSAGES])[0]["parts"]
            assert [it["type"] for it in parts] == ["reasoning", "text", "tool_call"]
            assert parts[2] == {"type": "tool_call", "id": "weather_1", **CALL["function"]}


def test_off_and_suppressed_nothing_is_said(client: Any, instrumented: GenAIInstrumentor, telemetry: Telemetry) -> None:
    """Inside `suppress_instrumentation`, and after switching off, calls work silently, of old clients as well."""
    made = client()
    with suppress_instrumentation():
        made.chat(**ASK)
        list(made.chat_stream(**ASK))
    instrumented.uninstrument()
    made.chat(**ASK)
    list(made.chat_stream(**ASK))

    assert telemetry.spans == []
