"""What other instrumentations were seen to do to a call, and no other suite here holds: it does not happen."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.support.fakes.http import Reply, sse
from tests.support.fakes.openai import FakeOpenAI, chunks
from tests.support.genai import DURATION, TOKENS
from tests.support.telemetry import Telemetry

PATH = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}
FIRST_CHUNK = metrics.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK.name

pytestmark = pytest.mark.usefixtures("instrumented")


def test_the_provider_is_not_told_of_the_trace(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """The request has no header of ours (OpenLLMetry 0.62 sends `traceparent` to whoever is asked)."""
    with telemetry.tracer_provider.get_tracer("app").start_as_current_span("request"):
        client.chat.completions.create(**ASK)

    sent = {name.lower() for name in api.asked[0].headers}
    assert not sent & {"traceparent", "tracestate", "baggage"}


def test_a_synchronous_call_within_a_running_loop(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts neither a thread nor a loop (OpenLLMetry 0.62 does both for each call)."""
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def watched(thread: threading.Thread) -> None:
        if threading.current_thread() is threading.main_thread():
            started.append(thread)
        start(thread)

    async def work() -> Any:
        monkeypatch.setattr(threading.Thread, "start", watched)
        monkeypatch.setattr(asyncio, "run", None)
        return client.chat.completions.create(**ASK)

    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(work()).choices
    finally:
        loop.close()
    assert started == []


def test_a_whole_answer_has_no_first_chunk(client: Any, telemetry: Telemetry) -> None:
    """The duration is not reported as the time to the first chunk, which there is none of (OpenLIT 1.45)."""
    client.chat.completions.create(**ASK)

    assert names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK not in telemetry.span().attributes
    assert telemetry.points(FIRST_CHUNK) == []


def test_points_have_nothing_of_the_single_call(client: Any, telemetry: Telemetry) -> None:
    """Neither ids nor fingerprints, which the official 1.3b0 puts on its metrics."""
    client.chat.completions.create(**ASK)

    allowed = {
        names.GEN_AI_OPERATION_NAME,
        names.GEN_AI_PROVIDER_NAME,
        names.GEN_AI_REQUEST_MODEL,
        names.GEN_AI_RESPONSE_MODEL,
        names.GEN_AI_TOKEN_TYPE,
        names.SERVER_ADDRESS,
        names.SERVER_PORT,
    }
    assert {key for name in (DURATION, TOKENS) for it in telemetry.points(name) for key in it.attributes} <= allowed


def test_a_stream_that_times_out(api: FakeOpenAI, telemetry: Telemetry) -> None:
    """The far end falls silent in the middle of a stream: the client's exception is the application's."""
    import openai

    never = threading.Event()
    whole = sse(*chunks(["Hello!"]))
    api.reply(PATH, Reply(headers=whole.headers, chunks=whole.chunks, wait=never))

    with openai.OpenAI(api_key="none", base_url=api.base_url, max_retries=0, timeout=0.3) as hasty:
        with pytest.raises(openai.APITimeoutError):
            list(hasty.chat.completions.create(**ASK, stream=True))
    never.set()

    span = telemetry.span("chat gpt-5-mini")
    assert span.attributes[names.ERROR_TYPE] == "openai.APITimeoutError"
    assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 3
