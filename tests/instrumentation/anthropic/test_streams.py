"""Streams: `stream=True` and `.stream()`, ended once however they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.support.fakes.anthropic import EVENTS, MODEL, PATH, TEXT, FakeAnthropic, end, events, failure, said, start
from tests.support.fakes.http import Reply
from tests.support.genai import DURATION, soon
from tests.support.recorded import RecordedSpan
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "claude", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
ABANDONED = names.ML_GEN_AI_RESPONSE_ABANDONED

pytestmark = pytest.mark.usefixtures("instrumented")


def whole(span: RecordedSpan) -> None:
    """Hold that a span tells of a whole stream."""
    found = span.attributes
    assert span.status == "UNSET"
    assert found[names.GEN_AI_REQUEST_STREAM] is True
    assert found[names.GEN_AI_RESPONSE_MODEL] == MODEL
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["end_turn"]
    assert found[names.GEN_AI_USAGE_INPUT_TOKENS] == 421
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 12
    assert found[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] == 300
    assert found[names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS] == 100
    assert found[names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS] == 5
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == len(EVENTS) - 1, "the ping is the client's own"
    assert ABANDONED not in found


def test_a_stream_is_one_span_with_its_tokens(client: Any, telemetry: Telemetry) -> None:
    """The object is the client's own; the counts of the last event replace those of the first."""
    from anthropic import Stream

    stream = client.messages.create(**ASK, stream=True)
    assert isinstance(stream, Stream)
    assert [it.type for it in stream][-1] == "message_stop"

    whole(telemetry.span("chat claude"))
    assert telemetry.point(DURATION).count == 1


def test_the_helper_s_stream(client: Any, telemetry: Telemetry) -> None:
    """`.stream()`, of the beta API as well: the helper's texts and its final message, and one span each."""
    with client.messages.stream(**ASK) as helped:
        assert "".join(helped.text_stream) == TEXT
    with client.beta.messages.stream(**ASK) as helped:
        assert helped.get_final_message().usage.output_tokens == 12

    for span in telemetry.spans:
        whole(span)
    assert len(telemetry.spans) == 2


def test_asynchronous_streams(asynchronous: Callable[[], Any], telemetry: Telemetry) -> None:
    """Both ways with the asynchronous client, and one that the application leaves."""

    async def read() -> None:
        async with asynchronous() as client:
            assert len([it async for it in await client.messages.create(**ASK, stream=True)]) == len(EVENTS) - 1
            async with client.messages.stream(**ASK) as helped:
                assert await helped.get_final_text() == TEXT
            async with client.messages.stream(**ASK) as helped:
                async for _ in helped:
                    break

    asyncio.run(read())

    first, second, left = telemetry.spans
    whole(first)
    whole(second)
    assert (left.status, left.attributes[ABANDONED]) == ("UNSET", True)


@pytest.mark.parametrize("way", ["with_raw_response", "with_streaming_response"])
def test_raw_streams(client: Any, telemetry: Telemetry, way: str) -> None:
    """A stream out of a raw response has its headers, its events and its tokens."""
    made = getattr(client.messages, way).create(**ASK, stream=True)
    if way == "with_raw_response":
        assert len(list(made.parse())) == len(EVENTS) - 1
    else:
        with made as opened:
            assert len(list(opened.parse())) == len(EVENTS) - 1

    whole(telemetry.span("chat claude"))


@pytest.mark.parametrize("way", ["iter_lines", "iter_bytes", "iter_text"])
def test_streams_that_are_read_by_hand(client: Any, telemetry: Telemetry, way: str) -> None:
    """Events that the application reads out of the response by itself: the same tokens, and the same chunks."""
    with client.messages.with_streaming_response.create(**ASK, stream=True) as opened:
        got = list(getattr(opened, way)())
    raw = client.messages.with_raw_response.create(**ASK, stream=True)
    assert list(getattr(raw.http_response, way)()) == got

    for span in telemetry.spans:
        whole(span)
    assert len(telemetry.spans) == 2


@pytest.mark.parametrize("leaving", ["close", "with", "helper", "dropped"])
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, leaving: str) -> None:
    """Closed, left with its block, or dropped: one span that says so, without the placeholder of the output."""
    if leaving == "helper":
        with client.messages.stream(**ASK) as helped:
            next(helped)
    else:
        stream = client.messages.create(**ASK, stream=True)
        response = stream.response
        if leaving == "with":
            with stream:
                next(stream)
        else:
            next(stream)
        if leaving == "close":
            stream.close()
        del stream
        soon(telemetry)
        response.close()

    span = soon(telemetry)
    assert (span.status, span.attributes[ABANDONED]) == ("UNSET", True)
    assert span.attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 421
    assert names.GEN_AI_USAGE_OUTPUT_TOKENS not in span.attributes
    assert telemetry.point(DURATION).count == 1


def test_an_error_within_a_stream(client: Any, api: FakeAnthropic, telemetry: Telemetry) -> None:
    """What the client raises for an error event is the application's and the span's, with what came before."""
    import anthropic

    api.reply(PATH, events(start(), *said(0, "Hel"), failure("overloaded_error", "Overloaded")))

    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(client.messages.create(**ASK, stream=True))

    span = telemetry.span("chat claude")
    assert span.status == "ERROR"
    assert span.attributes[names.ERROR_TYPE].startswith("anthropic.")
    assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 4
    assert span.attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 421


def test_a_stream_that_breaks_off_has_failed(client: Any, api: FakeAnthropic, telemetry: Telemetry) -> None:
    """A connection that ends in the middle is an error of its type."""
    import anthropic
    import httpx2

    whole_stream = events(*EVENTS)
    api.reply(PATH, Reply(headers=whole_stream.headers, chunks=whole_stream.chunks, cut=True))

    with pytest.raises((anthropic.APIError, httpx2.TransportError)) as raised:
        list(client.messages.create(**ASK, stream=True))

    span = telemetry.span("chat claude")
    assert span.status == "ERROR"
    assert span.attributes[names.ERROR_TYPE].endswith(type(raised.value).__name__)
    assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] >= 1


def test_counts_of_the_last_event_replace_the_first_ones(client: Any, api: FakeAnthropic, telemetry: Telemetry) -> None:
    """The counts of `message_delta` are of the whole message (OpenLLMetry 0.62 adds them up), several of them, too."""
    first = end("pause_turn", output_tokens=4)[0]
    api.reply(PATH, events(start(), *said(0, "Hi"), first, *end("max_tokens", cache_read_input_tokens=310)))

    list(client.messages.create(**ASK, stream=True))

    found = telemetry.span("chat claude").attributes
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 12
    assert found[names.GEN_AI_USAGE_INPUT_TOKENS] == 431
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["max_tokens"]
