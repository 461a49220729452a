"""Whole answers: what is said of them, and that the application gets what it would have got."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.support.fakes.http import Reply
from tests.support.fakes.openai import MODEL, TEXT, FakeOpenAI, chat, response
from tests.support.telemetry import Telemetry

MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]
DURATION = metrics.GEN_AI_CLIENT_OPERATION_DURATION.name
TOKENS = metrics.GEN_AI_CLIENT_TOKEN_USAGE.name
DETAILS = metrics.ML_GEN_AI_CLIENT_TOKEN_DETAILS.name
UNMETERED = metrics.ML_GEN_AI_CLIENT_UNMETERED_OPERATIONS.name

pytestmark = pytest.mark.usefixtures("instrumented")


def test_a_chat_completion_is_a_span_with_its_request_and_answer(client: Any, telemetry: Telemetry) -> None:
    """The span has the request's parameters, the answer's model, id, finish reasons and tokens, and the server."""
    client.chat.completions.create(
        model="gpt-5-mini", messages=MESSAGES, temperature=0.2, max_completion_tokens=50, stop="END", seed=7, n=2
    )

    span = telemetry.span("chat gpt-5-mini")
    assert span.kind == "client"
    assert span.status == "UNSET"
    assert span.attributes == {
        names.GEN_AI_OPERATION_NAME: "chat",
        names.GEN_AI_PROVIDER_NAME: "openai",
        names.GEN_AI_REQUEST_MODEL: "gpt-5-mini",
        names.SERVER_ADDRESS: "127.0.0.1",
        names.SERVER_PORT: client.base_url.port,
        names.GEN_AI_REQUEST_TEMPERATURE: 0.2,
        names.GEN_AI_REQUEST_MAX_TOKENS: 50,
        names.GEN_AI_REQUEST_SEED: 7,
        names.GEN_AI_REQUEST_CHOICE_COUNT: 2,
        names.GEN_AI_REQUEST_STOP_SEQUENCES: ["END"],
        names.GEN_AI_RESPONSE_MODEL: MODEL,
        names.GEN_AI_RESPONSE_ID: chat()["id"],
        names.GEN_AI_RESPONSE_FINISH_REASONS: ["stop"],
        names.GEN_AI_USAGE_INPUT_TOKENS: 19,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 10,
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 8,
        names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: 4,
    }


def test_a_chat_completion_is_counted(client: Any, telemetry: Telemetry) -> None:
    """Duration and tokens are recorded once, cached and reasoning tokens apart from the sum."""
    client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES)

    assert telemetry.point(DURATION).count == 1
    assert telemetry.point(TOKENS, {names.GEN_AI_TOKEN_TYPE: "input"}).value == 19
    assert telemetry.point(TOKENS, {names.GEN_AI_TOKEN_TYPE: "output"}).value == 10
    assert telemetry.point(DETAILS, {names.ML_GEN_AI_TOKEN_DETAIL: "cache_read"}).value == 8
    assert telemetry.point(DETAILS, {names.ML_GEN_AI_TOKEN_DETAIL: "reasoning"}).value == 4


def test_the_asynchronous_client_is_seen_alike(asynchronous: Callable[[], Any], telemetry: Telemetry) -> None:
    """Calls of the asynchronous client are spans and points like those of the other."""

    async def ask() -> Any:
        async with asynchronous() as client:
            return await client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES)

    answer = asyncio.run(ask())

    assert answer.choices[0].message.content == TEXT
    assert telemetry.span("chat gpt-5-mini").attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 10
    assert telemetry.point(DURATION).count == 1


def test_a_response_is_a_chat_with_its_conversation(client: Any, telemetry: Telemetry) -> None:
    """The Responses API is seen with its own fields: conversation, prompt, reasoning, output format."""
    client.responses.create(
        model="gpt-5-mini",
        input="Hello",
        conversation="conv_1",
        prompt={"id": "pmpt_1", "version": "3"},
        reasoning={"effort": "low"},
        text={"format": {"type": "json_object"}},
        max_output_tokens=9,
    )

    found = telemetry.span("chat gpt-5-mini").attributes
    assert found[names.GEN_AI_CONVERSATION_ID] == "conv_1"
    assert found[names.GEN_AI_PROMPT_NAME] == "pmpt_1"
    assert found[names.GEN_AI_PROMPT_VERSION] == "3"
    assert found[names.GEN_AI_REQUEST_REASONING_LEVEL] == "low"
    assert found[names.GEN_AI_OUTPUT_TYPE] == "json"
    assert found[names.GEN_AI_REQUEST_MAX_TOKENS] == 9
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 87
    assert found[names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS] == 64
    assert found[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] == 12


def test_a_failed_response_is_an_error(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """A response that failed without an exception is an error of the provider's code."""
    api.reply("/v1/responses", Reply(body=response("failed", error={"code": "server_error", "message": "no"})))

    assert client.responses.create(model="gpt-5-mini", input="Hello").status == "failed"

    span = telemetry.span("chat gpt-5-mini")
    assert span.status == "ERROR"
    assert span.attributes[names.ERROR_TYPE] == "server_error"


def test_a_response_that_is_fetched_does_not_count_its_tokens_again(client: Any, telemetry: Telemetry) -> None:
    """Polling a response makes spans of its own operation, without tokens."""
    client.responses.retrieve("resp_1")

    span = telemetry.span("fetch_response")
    assert names.GEN_AI_USAGE_INPUT_TOKENS not in span.attributes
    assert span.attributes[names.GEN_AI_RESPONSE_STATUS] == "completed"
    assert telemetry.points(TOKENS) == []
    assert telemetry.points(UNMETERED) == []


def test_embeddings_and_legacy_completions(client: Any, telemetry: Telemetry) -> None:
    """Both have spans of their operations with the tokens that they use."""
    client.embeddings.create(model="text-embedding-3-small", input="Hello", dimensions=2, encoding_format="float")
    client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Say this is a test")

    embedded = telemetry.span("embeddings text-embedding-3-small").attributes
    assert embedded[names.GEN_AI_USAGE_INPUT_TOKENS] == 8
    assert embedded[names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT] == 2
    assert embedded[names.GEN_AI_REQUEST_ENCODING_FORMATS] == ["float"]
    completed = telemetry.span("text_completion gpt-3.5-turbo-instruct").attributes
    assert completed[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["length"]
    assert completed[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 7


def test_other_requests_are_operations_of_their_own(client: Any, telemetry: Telemetry) -> None:
    """Images, audio, moderations, batches, files, fine-tuning and models have a span each, without tokens missing."""
    client.images.generate(model="gpt-image-1", prompt="A cat")
    client.audio.speech.create(model="tts-1", voice="alloy", input="Hello").read()
    client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # recent clients warn about translations
        client.audio.translations.create(model="whisper-1", file=("a.wav", b"RIFF"))
    client.moderations.create(model="omni-moderation-latest", input="Hello")
    client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")
    client.files.create(file=("a.jsonl", b"{}"), purpose="batch")
    client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file="file-1")
    client.models.retrieve("gpt-5-mini")

    methods = {span.name: span.attributes[names.ML_GEN_AI_OPERATION_METHOD] for span in telemetry.spans}
    assert methods == {
        "image_generation gpt-image-1": "images.generations.create",
        "speech tts-1": "audio.speech.create",
        "transcription whisper-1": "audio.transcriptions.create",
        "translation whisper-1": "audio.translations.create",
        "moderation omni-moderation-latest": "moderations.create",
        "batch": "batches.create",
        "file": "files.create",
        "fine_tuning gpt-4o-mini": "fine_tuning.jobs.create",
        "other": "models.retrieve",
    }
    image = telemetry.span("image_generation gpt-image-1").attributes
    assert (image[names.GEN_AI_USAGE_INPUT_TOKENS], image[names.GEN_AI_OUTPUT_TYPE]) == (50, "image")
    assert telemetry.points(UNMETERED) == []


def test_parse_is_seen_and_gives_the_parsed_model(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """`.parse` of chat completions and of responses returns the application's model, and is one span each."""

    class Greeting(BaseModel):
        text: str

    said = {"role": "assistant", "content": '{"text": "Hi"}'}
    choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": "stop"}
    api.reply("/v1/chat/completions", Reply(body=chat(choices=[choice])))

    answer = client.chat.completions.parse(model="gpt-5-mini", messages=MESSAGES, response_format=Greeting)

    assert answer.choices[0].message.parsed == Greeting(text="Hi")
    assert telemetry.span().attributes[names.GEN_AI_OUTPUT_TYPE] == "json"


def test_a_raw_response_is_the_same_object_with_its_tokens_seen(client: Any, telemetry: Telemetry) -> None:
    """`with_raw_response` has its headers and its parsed answer, and the span has the tokens."""
    from openai._legacy_response import LegacyAPIResponse

    raw = client.chat.completions.with_raw_response.create(model="gpt-5-mini", messages=MESSAGES)

    assert type(raw) is LegacyAPIResponse
    assert raw.parse().choices[0].message.content == TEXT
    span = telemetry.span("chat gpt-5-mini")
    assert span.attributes[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] == 8
    assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]


@pytest.mark.parametrize("read", ["parse", "json", "read", "iter_lines"])
def test_a_streaming_response_ends_with_its_block(client: Any, telemetry: Telemetry, read: str) -> None:
    """`with_streaming_response`: read in whatever way, there is one span, with tokens where the body was kept."""
    streaming = client.chat.completions.with_streaming_response
    with streaming.create(model="gpt-5-mini", messages=MESSAGES) as opened:
        assert telemetry.spans == []
        found = getattr(opened, read)()
        if inspect.isgenerator(found):
            list(found)

    span = telemetry.span("chat gpt-5-mini")
    assert span.status == "UNSET"
    assert (span.attributes.get(names.GEN_AI_USAGE_OUTPUT_TOKENS) == 10) == (read != "iter_lines")


def test_an_asynchronous_streaming_response(asynchronous: Callable[[], Any], telemetry: Telemetry) -> None:
    """The same with the asynchronous client."""

    async def ask() -> Any:
        async with asynchronous() as client:
            streaming = client.chat.completions.with_streaming_response
            async with streaming.create(model="gpt-5-mini", messages=MESSAGES) as opened:
                return await opened.parse()

    assert asyncio.run(ask()).choices[0].message.content == TEXT
    assert telemetry.span("chat gpt-5-mini").attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 10
