"""Streams that are held, left, dropped, cancelled or handed on: ended once, without a trace in the application."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.context import get_current

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.telemetry.genai.abandoned import UNDERTAKER
from tests.support.fakes.http import Reply, sse
from tests.support.fakes.openai import FakeOpenAI, chunks
from tests.support.recorded import RecordedSpan
from tests.support.telemetry import Telemetry

PATH = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
WITH_USAGE = {**ASK, "stream_options": {"include_usage": True}}
FIRST_CHUNK = metrics.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK.name
CHUNK = metrics.GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK.name
GAP = metrics.ML_GEN_AI_CLIENT_CHUNK_GAP.name
RATE = metrics.ML_GEN_AI_CLIENT_OUTPUT_RATE.name
DURATION = metrics.GEN_AI_CLIENT_OPERATION_DURATION.name
UNMETERED = metrics.ML_GEN_AI_CLIENT_UNMETERED_OPERATIONS.name
ABANDONED = names.ML_GEN_AI_RESPONSE_ABANDONED

on = pytest.mark.usefixtures("instrumented")


def soon(telemetry: Telemetry) -> RecordedSpan:
    """The only span, which a thread of ours may end a moment after the stream was dropped."""
    gc.collect()
    deadline = time.monotonic() + 10
    while not telemetry.span_exporter.get_finished_spans() and time.monotonic() < deadline:
        UNDERTAKER.flush()
        time.sleep(0.01)
    return telemetry.span()


@on
def test_what_is_held_is_the_library_s_stream(client: Any, telemetry: Telemetry) -> None:
    """The object is of the library's class, with all its attributes, iterable by `next` and `for` in turn."""
    from openai import Stream

    stream = client.chat.completions.create(**ASK)

    assert isinstance(stream, Stream)
    assert stream.response.status_code == 200
    assert next(stream).choices[0].delta.role == "assistant"
    for it in stream:
        assert it.choices[0].delta.content == "Hello!"
        break
    assert len(list(stream)) == 3
    assert telemetry.span("chat gpt-5-mini").attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 5


@on
@pytest.mark.parametrize("leaving", ["close", "with", "dropped", "cycle", "unread"])
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, leaving: str) -> None:
    """Closed, left with its block, dropped, or collected in a cycle: one span that says so, and that has not failed."""
    stream = client.chat.completions.create(**ASK)
    response = stream.response
    if leaving == "with":
        with stream as same:
            assert same is stream
            next(same)
    elif leaving != "unread":
        for _ in stream:
            break
    if leaving == "close":
        stream.close()
        stream.close()
    elif leaving == "cycle":
        cycle = [stream]
        cycle.append(cycle)
        del cycle
    del stream

    span = soon(telemetry)
    response.close()

    assert (span.status, span.attributes[ABANDONED]) == ("UNSET", True)
    assert span.attributes.get(names.ML_GEN_AI_RESPONSE_CHUNK_COUNT) == (None if leaving == "unread" else 1)
    assert names.ERROR_TYPE not in span.attributes
    assert telemetry.point(DURATION).count == 1


@on
def test_a_dropped_stream_lasted_until_it_was_last_read(client: Any, telemetry: Telemetry) -> None:
    """The time for which a stream lay around is not the call's."""
    stream = client.chat.completions.create(**ASK)
    response = stream.response
    next(stream)
    time.sleep(0.3)
    del stream

    span = soon(telemetry)
    response.close()

    lasted = (span.end - span.start) * 1e-9
    assert lasted < span.attributes[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] + 0.2
    assert telemetry.point(DURATION).value == pytest.approx(lasted, abs=0.01)


@on
def test_an_exception_in_the_block_is_the_application_s(client: Any, telemetry: Telemetry) -> None:
    """It is not swallowed, and not the stream's."""

    def read() -> None:
        with client.chat.completions.create(**ASK) as stream:
            next(stream)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read()

    assert telemetry.span("chat gpt-5-mini").status == "UNSET"


@on
def test_a_raw_stream_that_is_not_parsed_ends(client: Any, telemetry: Telemetry) -> None:
    """Lines read by hand, or nothing read at all: one span."""
    with client.chat.completions.with_streaming_response.create(**ASK) as opened:
        assert any("Hello!" in line for line in opened.iter_lines())
    raw = client.chat.completions.with_raw_response.create(**{**ASK, "model": "b"})
    response = raw.http_response
    del raw
    gc.collect()
    response.close()
    UNDERTAKER.flush()
    deadline = time.monotonic() + 10
    while len(telemetry.span_exporter.get_finished_spans()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)

    assert [span.name for span in telemetry.spans] == ["chat gpt-5-mini", "chat b"]


@on
def test_an_asynchronous_stream(asynchronous: Callable[[], Any], telemetry: Telemetry) -> None:
    """Read to its end, left by `break`, and closed: three spans, no context left behind, and no error."""

    async def read() -> None:
        from openai import AsyncStream

        before = dict(get_current())
        async with asynchronous() as client:
            stream = await client.chat.completions.create(**WITH_USAGE)
            assert isinstance(stream, AsyncStream)
            assert len([it async for it in stream]) == 6
            assert dict(get_current()) == before
            async with await client.chat.completions.create(**ASK) as stream:
                async for _ in stream:
                    break
            stream = await client.chat.completions.create(**ASK)
            assert (await anext(stream)).choices
            await stream.close()
            assert dict(get_current()) == before

    asyncio.run(read())

    whole, *left = telemetry.spans
    assert whole.attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 10
    assert [(span.status, span.attributes[ABANDONED]) for span in left] == [("UNSET", True)] * 2


@on
def test_a_cancelled_stream(asynchronous: Callable[[], Any], api: FakeOpenAI, telemetry: Telemetry) -> None:
    """A task that is cancelled while it waits for a chunk: one span with the cancellation as its error's type."""
    never = threading.Event()
    whole = sse(*chunks(["Hello!"]))
    api.reply(PATH, Reply(headers=whole.headers, chunks=whole.chunks, wait=never))

    async def cancel() -> None:
        async with asynchronous() as client:
            got = asyncio.Event()

            async def read() -> None:
                async for it in await client.chat.completions.create(**ASK):
                    if it.choices[0].finish_reason:
                        got.set()

            task = asyncio.create_task(read())
            await asyncio.wait_for(got.wait(), 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())
    never.set()

    span = telemetry.span("chat gpt-5-mini")
    assert span.attributes[names.ERROR_TYPE] == "asyncio.exceptions.CancelledError"
    assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 3


@on
def test_a_stream_that_is_read_in_another_thread(client: Any, telemetry: Telemetry) -> None:
    """Begun inside a span here and read there: a child of that span, and its contexts are as they were."""
    tracer = telemetry.tracer_provider.get_tracer("app")
    with tracer.start_as_current_span("request"):
        before = dict(get_current())
        stream = client.chat.completions.create(**ASK)
        assert dict(get_current()) == before
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: (len(list(stream)), dict(get_current()))).result() == (5, {})

    request = telemetry.span("request")
    assert telemetry.span("chat gpt-5-mini").parent_id == request.span_id


@on
def test_the_ends_of_a_stream_meet(client: Any, telemetry: Telemetry) -> None:
    """Read to the end, closed and dropped by several threads at a time: one span."""
    streams = [client.chat.completions.create(**ASK) for _ in range(5)]
    with ThreadPoolExecutor(8) as pool:
        for stream in streams:
            list(stream)
            for _ in range(4):
                pool.submit(stream.close)
    del stream, streams
    gc.collect()
    UNDERTAKER.flush()

    assert len(telemetry.spans) == 5
    assert telemetry.point(DURATION).count == 5


@on
def test_no_text_is_kept_while_content_is_off(client: Any, api: FakeOpenAI) -> None:
    """The chunks of a stream are gone when the application has dropped them."""
    api.reply(PATH, sse(*chunks([f"word {number}" for number in range(50)])))
    stream = client.chat.completions.create(**ASK)

    deltas = [weakref.ref(next(stream).choices[0].delta) for _ in range(40)]
    gc.collect()

    assert [reference for reference in deltas[:-1] if reference() is not None] == []
    stream.close()
