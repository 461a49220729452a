"""Streams: ended once however they end, told right, and what the application holds is what the library gave."""

from __future__ import annotations

from typing import Any

import pytest

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.instrumentation.openai.conftest import Switch
from tests.support.fakes.http import Reply, sse
from tests.support.fakes.openai import MODEL, USAGE, FakeOpenAI, chunk, chunks, error, response
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


@on
def test_a_stream_is_one_span_with_its_times_and_tokens(client: Any, telemetry: Telemetry) -> None:
    """Ended by its end: chunks, time to the first one, gaps, rate, finish reason and tokens."""
    said = "".join(
        it.choices[0].delta.content or "" for it in client.chat.completions.create(**WITH_USAGE) if it.choices
    )

    assert said == "Hello! How can I help?"
    span = telemetry.span("chat gpt-5-mini")
    found = span.attributes
    assert span.status == "UNSET"
    assert found[names.GEN_AI_REQUEST_STREAM] is True
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 6
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 10
    assert found[names.GEN_AI_RESPONSE_MODEL] == MODEL
    mean, longest = found[names.ML_GEN_AI_RESPONSE_CHUNK_GAP_MEAN], found[names.ML_GEN_AI_RESPONSE_CHUNK_GAP_MAX]
    assert 0 < mean <= longest < (span.end - span.start) * 1e-9
    assert longest <= 5 * mean * 1.001, "the time to the first chunk is no gap"
    assert found[names.ML_GEN_AI_RESPONSE_OUTPUT_RATE] == pytest.approx(10 / (5 * mean))
    assert ABANDONED not in found
    assert telemetry.point(FIRST_CHUNK).value == found[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]
    assert {point.attributes[names.ML_GEN_AI_CHUNK_GAP_STATISTIC] for point in telemetry.points(GAP)} == {"mean", "max"}
    assert telemetry.point(RATE).count == 1
    assert telemetry.points(CHUNK) == []


def test_every_chunk_is_recorded_where_a_setting_asks_for_it(
    client: Any, switch_on: Switch, telemetry: Telemetry
) -> None:
    """The histogram of chunks has a point for each gap."""
    switch_on(genai_chunk_histogram=True)

    assert len(list(client.chat.completions.create(**ASK))) == 5

    assert telemetry.point(CHUNK).count == 4


@on
def test_a_stream_without_usage_is_marked(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """Tokens that the stream does not tell are missing, not zero, and the request is as the application made it."""
    list(client.chat.completions.create(**ASK))

    found = telemetry.span("chat gpt-5-mini").attributes
    assert found[names.ML_GEN_AI_USAGE_STATUS] == "missing"
    assert names.GEN_AI_USAGE_INPUT_TOKENS not in found
    assert telemetry.point(UNMETERED, {names.ML_GEN_AI_USAGE_STATUS: "missing"}).value == 1
    assert api.asked[0].body == ASK


def test_usage_is_asked_for_where_a_setting_says_so(
    client: Any, api: FakeOpenAI, switch_on: Switch, telemetry: Telemetry
) -> None:
    """With the setting, a stream brings its tokens; where the application has said something itself, that stands."""
    switch_on(genai_stream_usage=True)

    list(client.chat.completions.create(**ASK))
    list(client.chat.completions.create(**ASK, stream_options={"include_usage": False}))

    assert [asked.body["stream_options"] for asked in api.asked] == [{"include_usage": True}, {"include_usage": False}]
    assert [names.GEN_AI_USAGE_OUTPUT_TOKENS in span.attributes for span in telemetry.spans] == [True, False]


@on
def test_a_stream_that_breaks_off_has_failed(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """The exception reaches the application, and the span keeps what came before."""
    whole = sse(*chunks(["Hello!"]), done=False)
    api.reply(PATH, Reply(headers=whole.headers, chunks=whole.chunks, cut=True))

    # openai 3.0 lets the exception of its HTTP client out, later ones raise APIConnectionError.
    with pytest.raises(Exception, match=r"[Cc]onnection") as raised:
        list(client.chat.completions.create(**ASK))

    span = telemetry.span("chat gpt-5-mini")
    error_type = f"{raised.type.__module__}.{raised.type.__qualname__}"
    assert (span.status, span.attributes[names.ERROR_TYPE]) == ("ERROR", error_type)
    assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 3


@on
def test_an_error_within_a_stream_and_malformed_data(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """What the library raises for an error event, or for data that are no JSON, is what the application sees."""
    import openai

    api.reply(PATH, sse(chunk({"content": "Hel"}), {"error": {"message": "overloaded", "code": "server_error"}}))
    api.reply(PATH, sse(chunk({"content": "Hel"}), "{not json"))

    with pytest.raises(openai.APIError, match="overloaded"):
        list(client.chat.completions.create(**ASK))
    with pytest.raises(ValueError, match=r"Expecting property name|Expecting"):
        list(client.chat.completions.create(**ASK))

    failed, malformed = telemetry.spans
    assert failed.attributes[names.ERROR_TYPE] == "openai.APIError"
    assert malformed.attributes[names.ERROR_TYPE].endswith("JSONDecodeError")


@on
def test_an_error_before_a_stream(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """A request for a stream that is refused is one failed span."""
    import openai

    api.reply(PATH, error(401, "No key."))

    with pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(**ASK)

    assert telemetry.span("chat gpt-5-mini").status == "ERROR"


@on
def test_unknown_reasons_and_chunks_without_choices(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """Azure's first chunk is empty, servers invent finish reasons and leave out fields."""
    first = {"id": "", "object": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": []}
    odd = chunk({"content": "Hi"})
    del odd["choices"]
    api.reply(PATH, sse(first, odd, chunk({}, "because"), chunk(None, usage={**USAGE, "prompt_tokens_details": None})))

    assert len(list(client.chat.completions.create(**ASK))) == 4

    found = telemetry.span("chat gpt-5-mini").attributes
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["because"]
    assert found[names.GEN_AI_RESPONSE_ID] == "chatcmpl-123"
    assert found[names.GEN_AI_USAGE_INPUT_TOKENS] == 19


@on
def test_streams_of_responses(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """A streamed response is told by its last event; one that failed is an error without an exception."""
    failed = {"type": "response.failed", "response": response("failed", error={"code": "rate_limit", "message": "no"})}
    assert len(list(client.responses.create(model="a", input="Hello", stream=True))) == 6
    api.reply("/v1/responses", sse(failed, names=["response.failed"], done=False))
    list(client.responses.create(model="b", input="Hello", stream=True))

    whole = telemetry.span("chat a").attributes
    assert whole[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 87
    assert whole[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert telemetry.span("chat b").attributes[names.ERROR_TYPE] == "rate_limit"


@on
def test_the_helpers_stream(client: Any, telemetry: Telemetry) -> None:
    """`.stream()` of chat completions and of responses: the helper's events, and one span each."""
    with client.chat.completions.stream(model="a", messages=ASK["messages"]) as helped:
        kinds = [event.type for event in helped]
        assert helped.get_final_completion().choices[0].message.content == "Hello! How can I help?"
    with client.responses.stream(model="b", input="Hello") as helped:
        assert helped.get_final_response().output_text == "Hello! How can I help?"

    assert "content.done" in kinds
    assert [span.name for span in telemetry.spans] == ["chat a", "chat b"]
    assert telemetry.span("chat b").attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 87


@on
@pytest.mark.parametrize("way", ["with_raw_response", "with_streaming_response"])
def test_raw_streams(client: Any, telemetry: Telemetry, way: str) -> None:
    """A stream out of a raw response has headers, chunks and tokens, and is one span."""
    from openai import Stream

    made = getattr(client.chat.completions, way).create(**WITH_USAGE)
    if way == "with_raw_response":
        assert made.headers["content-type"] == "text/event-stream"
        stream = made.parse()
        assert made.parse() is stream
        assert isinstance(stream, Stream)
        assert len(list(stream)) == 6
    else:
        with made as opened:
            assert len(list(opened.parse())) == 6

    found = telemetry.span("chat gpt-5-mini").attributes
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 10
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 6
