"""Streams of Ollama: ended once however they end, and told right."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.support.fakes.http import Reply
from tests.support.fakes.ollama import TEXT, FakeOllama, chunk, error, message, ndjson
from tests.support.genai import LEAVING, Switch, leave, leave_async, tokens
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "llama3.2", "messages": [{"role": "user", "content": "Hello"}], "stream": True}

on = pytest.mark.usefixtures("instrumented")


@on
def test_a_stream_is_one_span_with_its_times_and_tokens(client: Any, telemetry: Telemetry) -> None:
    """The last chunk has counts and reason; what the application holds is a generator as ever."""
    stream: Any = client.chat(**ASK)
    assert "".join(it.message.content for it in stream) == TEXT
    assert inspect.isgenerator(stream)
    found = telemetry.span("chat llama3.2").attributes
    assert found[names.GEN_AI_REQUEST_STREAM] is True
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 4
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert found[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] > 0
    assert tokens(telemetry) == {"input": 26, "output": 282}


@on
@pytest.mark.parametrize("how", LEAVING)
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, how: str) -> None:
    """Closed, dropped or never read: one span that says so, and that has not failed."""
    leave(lambda: client.chat(**ASK), how, telemetry)


@on
def test_leaving_an_asynchronous_stream_is_no_error(api: FakeOllama, telemetry: Telemetry) -> None:
    """The same with the asynchronous client."""
    from ollama import AsyncClient

    leave_async(lambda: AsyncClient(api.url).chat(**ASK), telemetry)


@on
def test_a_stream_that_fails(client: Any, api: FakeOllama, telemetry: Telemetry) -> None:
    """An error before, within, and malformed data: the library's exception, and a failed span each."""
    import httpx
    from ollama import ResponseError

    whole = ndjson(chunk(message("Hel")))
    api.reply("/api/chat", error(500, "no"), ndjson(chunk(message("Hel")), {"error": "overloaded"}))
    api.reply("/api/chat", ndjson("{not json"), Reply(headers=whole.headers, chunks=whole.chunks, cut=True))

    for kind in (ResponseError, ResponseError, ValueError, httpx.RemoteProtocolError):
        with pytest.raises(kind):
            list(client.chat(**ASK))

    assert [(span.status, span.attributes[names.ERROR_TYPE]) for span in telemetry.spans] == [
        ("ERROR", "ollama._types.ResponseError"),
        ("ERROR", "ollama._types.ResponseError"),
        ("ERROR", "json.decoder.JSONDecodeError"),
        ("ERROR", "httpx.RemoteProtocolError"),
    ]


@on
def test_streamed_generation_and_progress(client: Any, telemetry: Telemetry) -> None:
    """A streamed generation has tokens; a model that is pulled has none to miss."""
    list(client.generate("llama3.2", "Why?", stream=True))
    assert [it.status for it in client.pull("llama3.2", stream=True)] == ["pulling manifest", "success"]

    assert telemetry.span("text_completion llama3.2").attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 26
    assert names.ML_GEN_AI_USAGE_STATUS not in telemetry.span("other llama3.2").attributes


def test_the_texts_of_a_stream(client: Any, switch_on: Switch, telemetry: Telemetry) -> None:
    """Where content is wanted the chunks add up to one message."""
    switch_on(genai_content="span_only")

    list(client.chat(**ASK))

    assert TEXT in str(telemetry.span().attributes[names.GEN_AI_OUTPUT_MESSAGES])
