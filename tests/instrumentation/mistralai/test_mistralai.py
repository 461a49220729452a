"""Mistral's client over a fake of its API: whole answers, streams, conversations and errors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.semconv import attributes as names
from tests.support.fakes.http import Reply, sse
from tests.support.fakes.mistralai import TEXT, FakeMistral, chat, chunk, error
from tests.support.fakes.openai import RESPONSE_USAGE
from tests.support.genai import DURATION, LEAVING, UNMETERED, Switch, leave, leave_async, tokens
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "mistral-small-latest", "messages": [{"role": "user", "content": "Hello"}]}
NAME = "chat mistral-small-latest"
PATH = "/v1/chat/completions"

on = pytest.mark.usefixtures("instrumented")


@on
def test_a_chat_is_a_span_with_its_request_and_answer(client: Any, api: FakeMistral, telemetry: Telemetry) -> None:
    """Provider, server, request, answer and tokens, the cached ones apart; all is counted once."""
    options = {"temperature": 0.2, "max_tokens": 50, "random_seed": 7, "stop": "END", "n": 2}
    answer = client.chat.complete(**ASK, **options, response_format={"type": "json_object"})

    assert answer.choices[0].message.content == TEXT
    span = telemetry.span(NAME)
    assert (span.kind, span.status) == ("client", "UNSET")
    assert span.attributes == {
        names.GEN_AI_OPERATION_NAME: "chat",
        names.GEN_AI_PROVIDER_NAME: "mistral_ai",
        names.GEN_AI_REQUEST_MODEL: "mistral-small-latest",
        names.SERVER_ADDRESS: "127.0.0.1",
        names.SERVER_PORT: api.port,
        names.GEN_AI_REQUEST_TEMPERATURE: 0.2,
        names.GEN_AI_REQUEST_MAX_TOKENS: 50,
        names.GEN_AI_REQUEST_SEED: 7,
        names.GEN_AI_REQUEST_STOP_SEQUENCES: ["END"],
        names.GEN_AI_REQUEST_CHOICE_COUNT: 2,
        names.GEN_AI_OUTPUT_TYPE: "json",
        names.GEN_AI_RESPONSE_MODEL: chat()["model"],
        names.GEN_AI_RESPONSE_ID: chat()["id"],
        names.GEN_AI_RESPONSE_FINISH_REASONS: ["stop"],
        names.GEN_AI_USAGE_INPUT_TOKENS: 16,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 34,
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 8,
    }
    assert tokens(telemetry) == {"input": 16, "output": 34}
    assert telemetry.point(DURATION).count == 1


@on
def test_the_other_calls(client: Any, telemetry: Telemetry) -> None:
    """Fill-in-the-middle, agents, conversations, embeddings and moderation."""
    client.fim.complete(model="codestral-latest", prompt="def f(", suffix="return a")
    client.agents.complete(agent_id="ag_1", messages=ASK["messages"])
    client.beta.conversations.start(inputs="Hello", model="mistral-small-latest")
    client.beta.conversations.append(conversation_id="conv_1", inputs="Hello")
    client.embeddings.create(model="mistral-embed", inputs="Hello", output_dimension=2)
    client.classifiers.moderate(model="mistral-moderation-latest", inputs="Hello")

    assert [span.name for span in telemetry.spans] == [
        "text_completion codestral-latest",
        "chat",
        "chat mistral-small-latest",
        "chat",
        "embeddings mistral-embed",
        "moderation mistral-moderation-latest",
    ]
    conversed = telemetry.span("chat mistral-small-latest").attributes
    assert conversed[names.GEN_AI_CONVERSATION_ID] == "conv_1"
    assert conversed[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 9
    embedded = telemetry.span("embeddings mistral-embed").attributes
    assert embedded[names.GEN_AI_USAGE_INPUT_TOKENS] == 8
    assert embedded[names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT] == 2
    assert telemetry.points(UNMETERED) == []


@on
def test_responses(client: Any, telemetry: Telemetry) -> None:
    """Whole and streamed, in the form of OpenAI's, with the tokens of each."""
    ask: dict[str, Any] = {"model": "mistral-medium-latest", "input": "Hello"}
    client.responses.create(**ask, max_output_tokens=9, reasoning={"effort": "low"})
    with client.responses.create(**ask, stream=True) as stream:
        events = [frame.data.type for frame in stream]

    assert events[-1] == "response.completed"
    whole, streamed = telemetry.spans
    assert (whole.name, streamed.name) == ("chat mistral-medium-latest",) * 2
    assert whole.attributes[names.GEN_AI_REQUEST_MAX_TOKENS] == 9
    assert whole.attributes[names.GEN_AI_REQUEST_REASONING_LEVEL] == "low"
    assert streamed.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == len(events)
    for span in (whole, streamed):
        assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
        assert span.attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == RESPONSE_USAGE["input_tokens"]
        assert span.attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == RESPONSE_USAGE["output_tokens"]


@on
def test_a_stream_is_one_span_with_its_times_and_tokens(client: Any, telemetry: Telemetry) -> None:
    """The object is the library's stream, a context manager; the last chunk has the tokens."""
    from mistralai.client.utils.eventstreaming import EventStream

    with client.chat.stream(**ASK) as stream:
        assert isinstance(stream, EventStream)
        assert "".join(it.data.choices[0].delta.content for it in stream) == TEXT

    found = telemetry.span(NAME).attributes
    assert found[names.GEN_AI_REQUEST_STREAM] is True
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 3
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert found[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] == 8
    assert tokens(telemetry) == {"input": 16, "output": 34}


@on
@pytest.mark.parametrize("how", LEAVING)
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, how: str) -> None:
    """Closed, dropped or never read: one span that says so, and that has not failed."""
    responses: list[Any] = []

    def open_stream() -> Any:
        stream = client.chat.stream(**ASK)
        responses.append(stream.response)
        return stream

    leave(open_stream, how, telemetry)
    responses[0].close()


@on
def test_the_asynchronous_methods(client: Any, telemetry: Telemetry) -> None:
    """Whole answers, streams and conversations are seen alike."""

    async def ask() -> None:
        await client.chat.complete_async(**ASK)
        assert len([it async for it in await client.chat.stream_async(**ASK)]) == 3
        events = await client.beta.conversations.start_stream_async(inputs="Hello", agent_id="ag_1")
        assert len([it async for it in events]) == 3
        await client.sdk_configuration.async_client.aclose()

    asyncio.run(ask())

    assert [span.attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] for span in telemetry.spans] == [34, 34, 9]
    assert telemetry.spans[-1].attributes[names.GEN_AI_CONVERSATION_ID] == "conv_1"


@on
def test_leaving_an_asynchronous_stream_is_no_error(client: Any, telemetry: Telemetry) -> None:
    """Closed by the application: one span that says so."""
    leave_async(lambda: client.chat.stream_async(**ASK), telemetry, close="close")


@on
def test_errors_are_the_application_s(client: Any, api: FakeMistral, telemetry: Telemetry) -> None:
    """Refused requests, one that the client refuses itself, and a stream that is no JSON: the library's exceptions."""
    from mistralai.client.errors import ResponseValidationError, SDKError
    from pydantic import ValidationError

    api.reply(PATH, error(429, "Slow down."), error(401, "No key."), sse(chunk("Bon"), "{not json"))

    with pytest.raises(SDKError):
        client.chat.complete(**ASK)
    with pytest.raises(SDKError):
        client.chat.stream(**ASK)
    with pytest.raises(ValidationError):
        client.chat.complete(**{**ASK, "messages": 3})
    with pytest.raises(ResponseValidationError):
        list(client.chat.stream(**ASK))

    assert [span.status for span in telemetry.spans] == ["ERROR"] * 4
    assert telemetry.spans[0].attributes[names.ERROR_TYPE] == "mistralai.client.errors.sdkerror.SDKError"
    assert telemetry.points(UNMETERED) == []


@on
def test_a_generator_of_messages_is_sent(client: Any, api: FakeMistral) -> None:
    """What the application gives as an iterable is read by the library alone."""
    client.chat.complete(**{**ASK, "messages": (it for it in ASK["messages"])})

    assert [it["content"] for it in api.asked[0].body["messages"]] == ["Hello"]


@pytest.mark.parametrize("content", ["no_content", "span_only"])
def test_content(client: Any, api: FakeMistral, switch_on: Switch, telemetry: Telemetry, content: str) -> None:
    """Prompts, tools, tool calls and answers are told only where content is wanted."""
    from mistralai.client.models import UserMessage

    switch_on(genai_content=content)
    call = {"id": "c1", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}}
    said = {"role": "assistant", "content": TEXT, "tool_calls": [call]}
    api.reply(PATH, Reply(body=chat(choices=[{"index": 0, "message": said, "finish_reason": "tool_calls"}])))
    client.chat.complete(model="m", messages=[UserMessage(content="Hello")])
    list(client.chat.stream(**ASK))
    client.beta.conversations.start(inputs=[{"role": "user", "content": "Hello"}], agent_id="ag_1")
    list(client.beta.conversations.start_stream(inputs="Hello", agent_id="ag_1"))
    client.fim.complete(model="f", prompt="Hello", suffix="return a")

    told = [str(span.attributes) for span in telemetry.spans]
    for it in told:
        assert [word in it for word in ("Hello", TEXT)] == [content == "span_only"] * 2
    assert ("Bern" in told[0]) == (content == "span_only")


def test_off_and_suppressed_nothing_is_said(client: Any, instrumented: GenAIInstrumentor, telemetry: Telemetry) -> None:
    """Inside `suppress_instrumentation`, and after switching off, calls work silently; the method is the library's."""
    from mistralai.client.chat import Chat

    replaced: Any = Chat.complete
    with suppress_instrumentation():
        client.chat.complete(**ASK)
    instrumented.uninstrument()
    client.chat.complete(**ASK)

    assert telemetry.spans == []
    assert Chat.complete is replaced.__wrapped__
