"""Streams of the client and of chats, ended once however they end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from opentelemetry.trace import get_current_span

from otelml.semconv import attributes as names
from otelml.telemetry.genai.abandoned import UNDERTAKER
from tests.instrumentation.google_genai.conftest import Open
from tests.support.fakes.google_genai import (
    MODEL,
    PIECES,
    TEXT,
    FakeGoogle,
    candidate,
    error,
    failure,
    generated,
    piece,
)
from tests.support.fakes.http import sse
from tests.support.genai import DURATION, soon
from tests.support.recorded import RecordedSpan
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "gemini-3-flash", "contents": "Hello"}
PATH = "/v1beta/models/gemini-3-flash:streamGenerateContent"
NAME = "generate_content gemini-3-flash"

pytestmark = [
    pytest.mark.usefixtures("instrumented"),
    # Of google-genai 3.4 about its own use of aiohttp, where that is installed.
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]


def whole(span: RecordedSpan) -> None:
    """Hold that a span tells of a whole stream."""
    found = span.attributes
    assert (span.name, span.status) == (NAME, "UNSET")
    assert found[names.GEN_AI_REQUEST_STREAM] is True
    assert found[names.GEN_AI_RESPONSE_MODEL] == MODEL
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert found[names.GEN_AI_USAGE_INPUT_TOKENS] == 430
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 12
    assert found[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] == 300
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == len(PIECES)
    assert names.ML_GEN_AI_RESPONSE_ABANDONED not in found


def test_streams_are_one_span_each_with_its_tokens(client: Any, telemetry: Telemetry) -> None:
    """Of models and of chats; the counts are those of the last piece."""
    said = [it.text for it in client.models.generate_content_stream(**ASK)]
    chat = client.chats.create(model="gemini-3-flash")
    assert [it.text for it in chat.send_message_stream("Hello")] == said

    assert "".join(said) == TEXT
    for span in telemetry.spans:
        whole(span)
    assert telemetry.point(DURATION).count == 2


def test_candidates_end_in_pieces_of_their_own(client: Any, api: FakeGoogle, telemetry: Telemetry) -> None:
    """The reasons of all candidates are told, also of one that ended before the last piece."""
    first = generated(
        candidate({"text": "Hello"}, reason="MAX_TOKENS"), candidate({"text": "Good"}, reason=None, index=1)
    )
    api.reply(PATH, sse(first, generated(candidate({"text": "bye"}, index=1)), done=False))

    assert len(list(client.models.generate_content_stream(**ASK))) == 2

    found = telemetry.span(NAME).attributes
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["max_tokens", "stop"]
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 12


def test_asynchronous_streams(open_client: Open, telemetry: Telemetry) -> None:
    """Read to its end, and left: two spans and no error."""

    async def read() -> list[str]:
        asynchronous = open_client().aio
        said = [it.text async for it in await asynchronous.models.generate_content_stream(**ASK)]
        left = await asynchronous.models.generate_content_stream(**ASK)
        async for _ in left:
            break
        await left.aclose()
        await asynchronous.aclose()
        return said

    assert "".join(asyncio.run(read())) == TEXT
    UNDERTAKER.flush()

    spans = telemetry.spans
    whole(spans[0])
    assert len(spans) == 2
    assert (spans[1].status, spans[1].attributes[names.ML_GEN_AI_RESPONSE_ABANDONED]) == ("UNSET", True)


def test_the_span_is_current_while_the_request_is_made(
    client: Any, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client asks when the first piece is read: within the call's span, which is current at no other time."""
    seen: list[Any] = []
    sending = client._api_client._request

    def send(*args: Any, **kwargs: Any) -> Any:
        seen.append(get_current_span())
        return sending(*args, **kwargs)

    monkeypatch.setattr(client._api_client, "_request", send)
    stream = client.models.generate_content_stream(**ASK)
    for _ in stream:
        assert not get_current_span().get_span_context().is_valid

    assert format(seen[0].get_span_context().span_id, "016x") == telemetry.span(NAME).span_id


@pytest.mark.parametrize("how", ["close", "dropped"])
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, how: str) -> None:
    """Closed or dropped: one span that says so, and that has not failed."""
    stream = client.models.generate_content_stream(**ASK)
    next(stream)
    if how == "close":
        stream.close()
    del stream

    span = soon(telemetry)
    assert (span.status, span.attributes[names.ML_GEN_AI_RESPONSE_ABANDONED]) == ("UNSET", True)
    assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 1
    assert telemetry.point(DURATION).count == 1


def test_a_stream_that_is_never_read_asks_nothing(client: Any, api: FakeGoogle, telemetry: Telemetry) -> None:
    """The client makes its request when the first piece is read; before that there is no call."""
    client.models.generate_content_stream(**ASK)

    assert api.asked == []
    assert telemetry.spans == []


def test_an_error_within_a_stream(client: Any, api: FakeGoogle, telemetry: Telemetry) -> None:
    """What the client raises for it is the application's and the span's, with what came before."""
    from google.genai import errors

    api.reply(PATH, sse(piece("Hel"), failure(503, "UNAVAILABLE", "Overloaded"), done=False))

    with pytest.raises(errors.ServerError, match="Overloaded"):
        list(client.models.generate_content_stream(**ASK))

    span = telemetry.span(NAME)
    assert (span.status, span.attributes[names.ERROR_TYPE]) == ("ERROR", "google.genai.errors.ServerError")
    assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 1
    assert span.attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 421


def test_an_error_before_a_stream(client: Any, api: FakeGoogle, telemetry: Telemetry) -> None:
    """A request for a stream that is refused is one failed span."""
    from google.genai import errors

    api.reply(PATH, error(403, "PERMISSION_DENIED"))

    with pytest.raises(errors.ClientError):
        list(client.models.generate_content_stream(**ASK))

    assert telemetry.span(NAME).status == "ERROR"
