"""Hugging Face's inference clients over a fake of a text-generation server."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.huggingface_hub import HuggingFaceHubInstrumentor
from otelml.instrumentation.huggingface_hub.patch import _server
from otelml.semconv import attributes as names
from tests.support.fakes.huggingface import FakeHuggingFace
from tests.support.fakes.openai import TEXT, error
from tests.support.genai import DURATION, LEAVING, UNMETERED, Switch, leave, leave_async, switching, tokens
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "Qwen/Qwen3-8B", "messages": [{"role": "user", "content": "Hello"}]}
NAME = "chat Qwen/Qwen3-8B"
STREAM: dict[str, Any] = {**ASK, "stream": True}


@pytest.fixture
def api() -> Iterator[FakeHuggingFace]:
    """The far end, with an empty script."""
    fake = FakeHuggingFace()
    yield fake
    fake.close()


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    with switching(HuggingFaceHubInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture
def client(api: FakeHuggingFace) -> Iterator[Any]:
    """The synchronous client of one server."""
    from huggingface_hub import InferenceClient

    with InferenceClient(base_url=api.url, token="hf_none") as made:
        yield made


on = pytest.mark.usefixtures("instrumented")


@on
def test_a_chat_completion_is_a_span_and_is_counted(client: Any, api: FakeHuggingFace, telemetry: Telemetry) -> None:
    """Provider, model, server, answer and tokens, by either name of the method."""
    answer = client.chat_completion(ASK["messages"], model=ASK["model"], temperature=0.2, max_tokens=50)
    client.chat.completions.create(**ASK)

    assert answer.choices[0].message.content == TEXT
    found = telemetry.spans[0].attributes
    assert [span.name for span in telemetry.spans] == [NAME, NAME]
    assert found[names.GEN_AI_PROVIDER_NAME] == "huggingface"
    assert (found[names.SERVER_ADDRESS], found[names.SERVER_PORT]) == ("127.0.0.1", api.port)
    assert (found[names.GEN_AI_REQUEST_TEMPERATURE], found[names.GEN_AI_REQUEST_MAX_TOKENS]) == (0.2, 50)
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert tokens(telemetry) == {"input": 38, "output": 20}
    assert telemetry.point(DURATION).count == 2


@on
def test_text_generation_and_other_tasks(client: Any, telemetry: Telemetry) -> None:
    """Tokens are told with the details, and missed only where these were asked for; embeddings have none."""
    assert client.text_generation("Hello", max_new_tokens=3, seed=7) == "It rains"
    assert client.text_generation("Hello", details=True).details.generated_tokens == 3
    list(client.text_generation("Hello", details=True, stream=True))
    client.feature_extraction("Hello", normalize=True, model=None)

    plain, detailed, streamed, embedded = (span.attributes for span in telemetry.spans)
    assert (plain[names.GEN_AI_REQUEST_MAX_TOKENS], plain[names.GEN_AI_REQUEST_SEED]) == (3, 7)
    assert detailed[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 3
    assert detailed[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["length"]
    assert streamed[names.GEN_AI_USAGE_INPUT_TOKENS] == 5
    assert embedded[names.GEN_AI_OPERATION_NAME] == "embeddings"
    assert telemetry.points(UNMETERED) == []


@on
def test_a_stream_is_one_span_with_its_times_and_tokens(client: Any, telemetry: Telemetry) -> None:
    """A generator as ever; the tokens are there where the application asks for them."""
    stream = client.chat_completion(**STREAM, stream_options={"include_usage": True})
    assert "".join(it.choices[0].delta.content or "" for it in stream if it.choices) == TEXT
    assert inspect.isgenerator(stream)

    found = telemetry.span(NAME).attributes
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 6
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert tokens(telemetry) == {"input": 19, "output": 10}


@on
@pytest.mark.parametrize("how", LEAVING)
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, how: str) -> None:
    """Closed, dropped or never read: one span that says so, and that has not failed."""
    leave(lambda: client.chat_completion(**STREAM), how, telemetry)


@on
def test_the_asynchronous_client(api: FakeHuggingFace, telemetry: Telemetry) -> None:
    """Whole answers and streams are seen alike."""
    from huggingface_hub import AsyncInferenceClient

    async def ask() -> None:
        async with AsyncInferenceClient(base_url=api.url, token="hf_none") as client:
            await client.chat_completion(**ASK)
            assert len([it async for it in await client.chat_completion(**STREAM)]) == 5

    asyncio.run(ask())

    assert [span.attributes.get(names.ML_GEN_AI_RESPONSE_CHUNK_COUNT) for span in telemetry.spans] == [None, 5]


@on
def test_leaving_an_asynchronous_stream_is_no_error(api: FakeHuggingFace, telemetry: Telemetry) -> None:
    """Closed by the application: one span that says so."""
    from huggingface_hub import AsyncInferenceClient

    client = AsyncInferenceClient(base_url=api.url, token="hf_none")
    leave_async(lambda: client.chat_completion(**STREAM), telemetry)


@on
def test_errors_are_the_application_s(client: Any, api: FakeHuggingFace, telemetry: Telemetry) -> None:
    """A refused request is the library's exception, streamed or not, and a failed span."""
    from huggingface_hub.errors import HfHubHTTPError

    api.reply("/v1/chat/completions", error(429, "Slow down."), error(500, "No."))
    for asked in (ASK, STREAM):
        with pytest.raises(HfHubHTTPError):
            client.chat_completion(**asked)

    assert [span.status for span in telemetry.spans] == ["ERROR", "ERROR"]
    assert telemetry.spans[0].attributes[names.ERROR_TYPE] == "huggingface_hub.errors.HfHubHTTPError"
    assert telemetry.points(UNMETERED) == []


@pytest.mark.parametrize(
    ("provider", "token", "found"),
    [
        ("auto", "hf_x", ("huggingface", "router.huggingface.co", None)),
        ("groq", None, ("groq", "router.huggingface.co", None)),
        ("fireworks-ai", "key", ("fireworks", None, None)),
        ("novita", "key", ("novita", None, None)),
    ],
)
def test_providers(provider: Any, token: str | None, found: tuple[str, str | None, int | None]) -> None:
    """Who answers: the provider of the client; with a key of its own, not at the router."""
    from huggingface_hub import InferenceClient

    assert _server(InferenceClient(provider=provider, token=token), None, ()) == found


@pytest.mark.parametrize("content", ["no_content", "span_only"])
def test_content(client: Any, switch_on: Switch, telemetry: Telemetry, content: str) -> None:
    """Prompts and answers are told only where content is wanted, streamed or not."""
    switch_on(genai_content=content)
    client.chat_completion(**ASK)
    list(client.chat_completion(**STREAM))
    client.text_generation("Hello")
    list(client.text_generation("Hello", stream=True))

    for span, said in zip(telemetry.spans, (TEXT, TEXT, "It rains", "It rains"), strict=True):
        told = "".join(str(value) for value in span.attributes.values())
        assert [word in told for word in ("Hello", said)] == [content == "span_only"] * 2


def test_off_and_suppressed_nothing_is_said(client: Any, instrumented: GenAIInstrumentor, telemetry: Telemetry) -> None:
    """Inside `suppress_instrumentation`, and after switching off, calls work silently; the method is the library's."""
    from huggingface_hub import InferenceClient

    replaced: Any = InferenceClient.chat_completion
    with suppress_instrumentation():
        client.chat_completion(**ASK)
    instrumented.uninstrument()
    client.chat_completion(**ASK)

    assert telemetry.spans == []
    assert InferenceClient.chat_completion is replaced.__wrapped__
