"""What the suites of GenAI clients share: switching one on, and leaving its streams in every way."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.context import get_current

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.settings import resolve
from otelml.telemetry.genai.abandoned import UNDERTAKER
from tests.support.recorded import RecordedSpan
from tests.support.telemetry import Telemetry

DURATION = metrics.GEN_AI_CLIENT_OPERATION_DURATION.name
TOKENS = metrics.GEN_AI_CLIENT_TOKEN_USAGE.name
UNMETERED = metrics.ML_GEN_AI_CLIENT_UNMETERED_OPERATIONS.name

LEAVING = ("close", "dropped", "unread")
"""The ways in which an application leaves a stream."""

Switch = Callable[..., GenAIInstrumentor]


@contextmanager
def switching(instrumentor: GenAIInstrumentor, telemetry: Telemetry) -> Iterator[Switch]:
    """Gives what switches an instrumentation on, with settings; it is switched off afterwards."""

    def on(**settings: object) -> GenAIInstrumentor:
        instrumentor.instrument(settings=resolve(settings, {}), observers=(), **telemetry.providers)
        return instrumentor

    yield on
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


def tokens(telemetry: Telemetry) -> dict[str, float | None]:
    """What was counted of each type of token."""
    return {str(it.attributes[names.GEN_AI_TOKEN_TYPE]): it.value for it in telemetry.points(TOKENS)}


def soon(telemetry: Telemetry, name: str | None = None) -> RecordedSpan:
    """A span that a thread of ours may end a moment after its stream was dropped."""
    gc.collect()
    deadline = time.monotonic() + 10
    while not telemetry.span_exporter.get_finished_spans() and time.monotonic() < deadline:
        UNDERTAKER.flush()
        time.sleep(0.01)
    return telemetry.span(name) if name else telemetry.span()


def leave(open_stream: Callable[[], Iterator[Any]], how: str, telemetry: Telemetry) -> None:
    """Leave a stream in one of the ways; there must be one span of it that says so and has not failed.

    Args:
        open_stream: makes the call.
        how: one of `LEAVING`.
        telemetry: without a span so far.
    """
    stream: Any = open_stream()
    if how != "unread":
        for _ in stream:
            break
    assert telemetry.spans == []
    if how == "close":
        stream.close()
        stream.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # some libraries warn of connections that they drop
        del stream
        _was_left(soon(telemetry), telemetry)


def leave_async(
    open_stream: Callable[[], Awaitable[AsyncIterator[Any]]], telemetry: Telemetry, close: str = "aclose"
) -> None:
    """Leave an asynchronous stream by closing it: no context is left behind, and there is one span without an error.

    Args:
        open_stream: makes the call, in the loop that runs.
        telemetry: without a span so far.
        close: the method that closes it.
    """

    async def read() -> None:
        before = dict(get_current())
        stream: Any = await open_stream()
        async for _ in stream:
            break
        assert dict(get_current()) == before
        await getattr(stream, close)()

    asyncio.run(read())
    _was_left(telemetry.span(), telemetry)


def _was_left(span: RecordedSpan, telemetry: Telemetry) -> None:
    assert span.status == "UNSET"
    assert span.attributes[names.ML_GEN_AI_RESPONSE_ABANDONED] is True
    assert names.ERROR_TYPE not in span.attributes
    assert telemetry.point(DURATION).count == 1
