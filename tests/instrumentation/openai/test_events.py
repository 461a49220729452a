"""Streams that the application reads by itself, line by line or byte by byte: it gets the same, and tokens are told."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otelml.instrumentation.openai import OpenAIInstrumentor
from otelml.semconv import attributes as names
from otelml.telemetry.genai.abandoned import UNDERTAKER
from tests.instrumentation.openai.conftest import Switch
from tests.support.fakes.http import Reply, sse
from tests.support.fakes.openai import USAGE, FakeOpenAI, chunk, chunks
from tests.support.genai import soon
from tests.support.recorded import RecordedSpan
from tests.support.telemetry import Telemetry

PATH = "/v1/chat/completions"
ASK: dict[str, Any] = {
    "model": "gpt-5-mini",
    "messages": [{"role": "user", "content": "Hello"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
WAYS = ("iter_lines", "iter_text", "iter_bytes", "iter_raw", "read")
BODY = b"".join(sse(*chunks(["Hell\u00f6!", " \U0001f44b\u4f60\u597d"], with_usage=True)).chunks or ())

pytestmark = pytest.mark.usefixtures("instrumented")


def cut(body: bytes, size: int, encoding: str | None = None) -> Reply:
    """A stream in pieces of so many bytes, which end anywhere."""
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    if encoding is not None:
        headers["content-encoding"] = encoding
    return Reply(headers=headers, chunks=[body[start : start + size] for start in range(0, len(body), size)])


def read(response: Any, way: str) -> Any:
    """What the application gets, in one piece."""
    if way == "read":
        return response.read()
    got = list(getattr(response, way)())
    return "\n".join(got) if way == "iter_lines" else (b"" if way in ("iter_bytes", "iter_raw") else "").join(got)


def whole(span: RecordedSpan, count: int) -> None:
    """The span tells all of the stream."""
    found = span.attributes
    assert found[names.GEN_AI_USAGE_INPUT_TOKENS] == USAGE["prompt_tokens"]
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == USAGE["completion_tokens"]
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == count
    assert names.ML_GEN_AI_RESPONSE_ABANDONED not in found
    assert span.status == "UNSET"


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_reading(client: Any, api: FakeOpenAI, telemetry: Telemetry, way: str, size: int) -> None:
    """Characters and events that are split over pieces are put together, and the bytes are those that were sent."""
    api.reply(PATH, cut(BODY, size))

    raw = client.chat.completions.with_raw_response.create(**ASK)
    got = read(raw.http_response, way)

    assert got == (
        BODY.decode().rstrip("\n") + "\n" if way == "iter_lines" else BODY if way != "iter_text" else BODY.decode()
    )
    whole(telemetry.span("chat gpt-5-mini"), 5)


@pytest.mark.parametrize("way", ["iter_lines", "iter_text", "iter_bytes", "read"])
def test_a_streaming_response(client: Any, telemetry: Telemetry, way: str) -> None:
    """`with_streaming_response`, whose methods read the same stream."""
    with client.chat.completions.with_streaming_response.create(**ASK) as opened:
        assert "Hello!" in str(read(opened, way))

    whole(telemetry.span("chat gpt-5-mini"), 6)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("way", ["iter_lines", "iter_raw"])
def test_compressed_events(client: Any, api: FakeOpenAI, telemetry: Telemetry, way: str, encoding: str) -> None:
    """The application gets what the way gives, compressed or not; we read it once more."""
    packed = gzip.compress(BODY) if encoding == "gzip" else zlib.compress(BODY)
    api.reply(PATH, cut(packed, 5, encoding))

    raw = client.chat.completions.with_raw_response.create(**ASK)
    got = read(raw.http_response, way)

    assert (
        got == packed
        if way == "iter_raw"
        else "Hell\u00f6!" in json.loads(got.split("\n")[2][5:])["choices"][0]["delta"]["content"]
    )
    whole(telemetry.span("chat gpt-5-mini"), 5)


@pytest.mark.parametrize("end", ["done", "middle"])
def test_where_the_application_stops(client: Any, telemetry: Telemetry, end: str) -> None:
    """At `[DONE]` it has read the stream; before, it has left it."""
    with client.chat.completions.with_streaming_response.create(**ASK) as opened:
        for line in opened.iter_lines():
            if ("[DONE]" if end == "done" else "Hello!") in line:
                break

    span = soon(telemetry, "chat gpt-5-mini")
    if end == "done":
        whole(span, 6)
    else:
        assert span.attributes[names.ML_GEN_AI_RESPONSE_ABANDONED] is True
        assert span.attributes[names.ML_GEN_AI_USAGE_STATUS] == "missing"


def test_what_is_no_event_of_the_api(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """Comments, CRLF, data over several lines, malformed and endless data: passed over, and the rest is read."""
    first, last = chunk({"content": "Hi"}, "stop"), chunk(None, usage=USAGE)
    lines = json.dumps(last, indent=1).split("\n")
    pieces = [
        b": keep-alive\r\n\r\n",
        b"event: message\r\ndata: " + json.dumps(first).encode() + b"\r\n\r\n",
        b"data: {not json\n\n",
        b"data: [1, 2]\n\n",
        b"data: " + b"x" * 1_500_000 + b"\n\n",
        b"".join(b"data:" + line.encode() + b"\n" for line in lines) + b"\n",
    ]
    api.reply(PATH, cut(b"".join(pieces), 65_536))

    raw = client.chat.completions.with_raw_response.create(**ASK)

    assert read(raw.http_response, "iter_bytes") == b"".join(pieces)
    whole(telemetry.span("chat gpt-5-mini"), 2)


def test_reading_that_breaks_off(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """The transport's exception is the application's, and the span's error."""
    api.reply(PATH, Reply(headers={"content-type": "text/event-stream"}, chunks=[BODY[:300]], cut=True))

    raw = client.chat.completions.with_raw_response.create(**ASK)
    with pytest.raises(Exception, match=r"peer closed|incomplete|closed"):
        read(raw.http_response, "iter_lines")

    span = telemetry.span("chat gpt-5-mini")
    assert (span.status, span.attributes[names.ERROR_TYPE].rpartition(".")[2]) == ("ERROR", "RemoteProtocolError")


def test_the_response_outlives_the_wrapper(client: Any, telemetry: Telemetry) -> None:
    """An application may keep the HTTP response only."""
    response = client.chat.completions.with_raw_response.create(**ASK).http_response

    UNDERTAKER.flush()
    assert telemetry.spans == []
    read(response, "iter_lines")

    whole(telemetry.span("chat gpt-5-mini"), 6)


def test_the_response_is_closed_without_the_wrapper(client: Any, telemetry: Telemetry) -> None:
    """Left when it is closed, whoever holds it."""
    response = client.chat.completions.with_raw_response.create(**ASK).http_response
    lines = response.iter_lines()
    next(lines)
    response.close()

    found = telemetry.span("chat gpt-5-mini").attributes
    assert found[names.ML_GEN_AI_RESPONSE_ABANDONED] is True


def test_asynchronously(asynchronous: Callable[[], Any], telemetry: Telemetry) -> None:
    """Read to the end, and left in the middle: two spans."""

    async def work() -> None:
        async with asynchronous() as client:
            async with client.chat.completions.with_streaming_response.create(**ASK) as opened:
                assert any(["Hello!" in line async for line in opened.iter_lines()])
            async with client.chat.completions.with_streaming_response.create(**ASK) as opened:
                async for _ in opened.iter_bytes():
                    break

    asyncio.run(work())

    read_, left = telemetry.spans
    whole(read_, 6)
    assert left.attributes[names.ML_GEN_AI_RESPONSE_ABANDONED] is True


def test_responses_and_content(
    client: Any, instrumented: OpenAIInstrumentor, switch_on: Switch, telemetry: Telemetry
) -> None:
    """Events of a response, and its text where content is wanted."""
    instrumented.uninstrument()
    switch_on(genai_content="span_only")

    with client.responses.with_streaming_response.create(model="b", input="Hello", stream=True) as opened:
        assert sum("output_text.delta" in line for line in opened.iter_lines()) == 4

    found = telemetry.span("chat b").attributes
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 87
    assert "How can I help?" in found[names.GEN_AI_OUTPUT_MESSAGES]


@pytest.fixture
def plain(client: Any) -> Iterator[Any]:
    """A response that is no stream of events."""
    ask = {key: value for key, value in ASK.items() if not key.startswith("stream")}
    with client.chat.completions.with_streaming_response.create(**ask) as opened:
        yield opened


def test_other_bodies_are_left_alone(plain: Any) -> None:
    """Nothing is put between the application and a response without events."""
    assert type(plain.http_response.stream).__name__ != "TappedStream"
    assert json.loads(b"".join(plain.iter_bytes()))["object"] == "chat.completion"
