"""Groq's client over a fake of its API: whole answers, streams, raw responses and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.groq import GroqInstrumentor
from otelml.semconv import attributes as names
from tests.support.fakes.groq import CHAT, FakeGroq
from tests.support.fakes.http import Reply, sse
from tests.support.fakes.openai import TEXT, chat, chunk, error
from tests.support.genai import DURATION, LEAVING, UNMETERED, Switch, leave, leave_async, switching, tokens
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "llama-3.3-70b-versatile", "messages": [{"role": "user", "content": "Hello"}]}
NAME = "chat llama-3.3-70b-versatile"


@pytest.fixture
def api() -> Iterator[FakeGroq]:
    """The far end, with an empty script."""
    fake = FakeGroq()
    yield fake
    fake.close()


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    with switching(GroqInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture
def client(api: FakeGroq) -> Iterator[Any]:
    """The synchronous client."""
    from groq import Groq

    with Groq(api_key="none", base_url=api.url, max_retries=0) as made:
        yield made


def asynchronous(api: FakeGroq) -> Any:
    """The asynchronous client."""
    from groq import AsyncGroq

    return AsyncGroq(api_key="none", base_url=api.url, max_retries=0)


on = pytest.mark.usefixtures("instrumented")


@on
def test_a_chat_completion_is_a_span_and_is_counted(client: Any, api: FakeGroq, telemetry: Telemetry) -> None:
    """Provider, server, request, answer and tokens; the prefix of Groq's paths is not taken for an operation."""
    answer = client.chat.completions.create(**ASK, temperature=0.2, reasoning_effort="low")

    assert answer.choices[0].message.content == TEXT
    found = telemetry.span(NAME).attributes
    assert found[names.GEN_AI_OPERATION_NAME] == "chat"
    assert found[names.GEN_AI_PROVIDER_NAME] == "groq"
    assert (found[names.SERVER_ADDRESS], found[names.SERVER_PORT]) == ("127.0.0.1", api.port)
    assert found[names.GEN_AI_REQUEST_TEMPERATURE] == 0.2
    assert found[names.GEN_AI_REQUEST_REASONING_LEVEL] == "low"
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert found[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] == 8
    assert tokens(telemetry) == {"input": 19, "output": 10}
    assert telemetry.point(DURATION).count == 1


@on
def test_the_other_calls(client: Any, telemetry: Telemetry) -> None:
    """Embeddings have tokens; audio, batches, files and models are operations of their own names."""
    client.embeddings.create(model="nomic-embed-text-v1_5", input="Hello")
    client.audio.transcriptions.create(model="whisper-large-v3", file=("a.wav", b"RIFF"))
    client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")
    client.models.retrieve("gpt-5-mini")

    assert [span.name for span in telemetry.spans] == [
        "embeddings nomic-embed-text-v1_5",
        "transcription whisper-large-v3",
        "batch",
        "other",
    ]
    assert telemetry.span("embeddings nomic-embed-text-v1_5").attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 8
    assert telemetry.span("other").attributes[names.ML_GEN_AI_OPERATION_METHOD] == "models.retrieve"
    assert telemetry.points(UNMETERED) == []


@on
def test_a_stream_has_its_tokens_without_asking_for_them(client: Any, api: FakeGroq, telemetry: Telemetry) -> None:
    """They are in the last chunk; the object is the library's stream, and the request is the application's."""
    from groq import Stream

    stream = client.chat.completions.create(**ASK, stream=True)

    assert isinstance(stream, Stream)
    assert len(list(stream)) == 3
    found = telemetry.span(NAME).attributes
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 3
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert found[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] == 4
    assert tokens(telemetry) == {"input": 18, "output": 556}
    assert api.asked[0].body == {**ASK, "stream": True}


@on
@pytest.mark.parametrize("how", LEAVING)
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, how: str) -> None:
    """Closed, dropped or never read: one span that says so, and that has not failed."""
    responses: list[Any] = []

    def open_stream() -> Any:
        stream = client.chat.completions.create(**ASK, stream=True)
        responses.append(stream.response)
        return stream

    leave(open_stream, how, telemetry)
    responses[0].close()


@on
def test_the_asynchronous_client(api: FakeGroq, telemetry: Telemetry) -> None:
    """Whole answers and streams of the asynchronous client are seen alike."""

    async def ask() -> None:
        async with asynchronous(api) as client:
            await client.chat.completions.create(**ASK)
            assert len([it async for it in await client.chat.completions.create(**ASK, stream=True)]) == 3

    asyncio.run(ask())

    assert [span.attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] for span in telemetry.spans] == [10, 556]


@on
def test_leaving_an_asynchronous_stream_is_no_error(api: FakeGroq, telemetry: Telemetry) -> None:
    """Closed by the application: one span that says so."""
    leave_async(lambda: asynchronous(api).chat.completions.create(**ASK, stream=True), telemetry, close="close")


@on
def test_raw_and_streaming_responses(client: Any, telemetry: Telemetry) -> None:
    """Headers and parsed answers as ever, a span and tokens each; a raw stream is read as one."""
    raw = client.chat.completions.with_raw_response.create(**ASK)
    assert raw.parse().choices[0].message.content == TEXT
    with client.chat.completions.with_streaming_response.create(**ASK) as opened:
        assert opened.parse().choices[0].message.content == TEXT
    assert len(list(client.chat.completions.with_raw_response.create(**ASK, stream=True).parse())) == 3

    assert [span.attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] for span in telemetry.spans] == [10, 10, 556]


@on
def test_errors_are_the_application_s(client: Any, api: FakeGroq, telemetry: Telemetry) -> None:
    """A refused request, and an error within a stream: the library's exceptions, and a failed span each."""
    import groq

    api.reply(CHAT, error(429, "Slow down."), sse(chunk({"content": "Hel"}), {"error": {"message": "overloaded"}}))

    with pytest.raises(groq.RateLimitError):
        client.chat.completions.create(**ASK)
    with pytest.raises(groq.APIError, match="overloaded"):
        list(client.chat.completions.create(**ASK, stream=True))

    assert [(span.status, span.attributes[names.ERROR_TYPE]) for span in telemetry.spans] == [
        ("ERROR", "groq.RateLimitError"),
        ("ERROR", "groq.APIError"),
    ]
    assert telemetry.points(UNMETERED) == []


@pytest.mark.parametrize("content", ["no_content", "span_only"])
def test_content(client: Any, api: FakeGroq, switch_on: Switch, telemetry: Telemetry, content: str) -> None:
    """Prompts, thoughts and answers are told only where content is wanted."""
    switch_on(genai_content=content)
    said = {"role": "assistant", "content": TEXT, "reasoning": "Hm."}
    api.reply(CHAT, Reply(body=chat(choices=[{"index": 0, "message": said, "finish_reason": "stop"}])))

    client.chat.completions.create(**ASK)

    found = telemetry.span().attributes
    told = "".join(str(value) for value in found.values())
    assert [word in told for word in ("Hello", "Hm.", TEXT)] == [content == "span_only"] * 3


def test_off_and_suppressed_nothing_is_said(client: Any, instrumented: GenAIInstrumentor, telemetry: Telemetry) -> None:
    """Inside `suppress_instrumentation`, and after switching off, calls work silently; the method is the library's."""
    from groq._base_client import SyncAPIClient

    replaced: Any = SyncAPIClient.request
    with suppress_instrumentation():
        client.chat.completions.create(**ASK)
    instrumented.uninstrument()
    client.chat.completions.create(**ASK)

    assert telemetry.spans == []
    assert SyncAPIClient.request is replaced.__wrapped__
