"""The interactions API, which the client asks by ways of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.instrumentation.google_genai.conftest import Open
from tests.support.fakes.google_genai import EVENTS, INTERACTION, TEXT, FakeGoogle
from tests.support.fakes.http import Reply, sse
from tests.support.genai import DURATION, UNMETERED, Switch, leave, tokens
from tests.support.telemetry import Telemetry

pytestmark = pytest.mark.filterwarnings("ignore")  # of google-genai 3.4, about its own use of aiohttp and pydantic

on = pytest.mark.usefixtures("instrumented")
ASK: dict[str, Any] = {"model": "gemini-3-flash", "input": "Hello"}
NAME = "chat gemini-3-flash"


def asynchronously(open_client: Open, what: Callable[[Any], Awaitable[Any]]) -> Any:
    """Do something with an asynchronous client."""

    async def run() -> Any:
        there = open_client().aio
        try:
            return await what(there)
        finally:
            await there.aclose()

    return asyncio.run(run())


@on
def test_an_interaction(client: Any, api: FakeGoogle, telemetry: Telemetry) -> None:
    """A chat, with its parameters and all kinds of tokens."""
    result = client.interactions.create(
        **ASK,
        generation_config={"temperature": 0.2, "max_output_tokens": 50, "stop_sequences": ["END"]},
        previous_interaction_id="v1_before",
    )
    assert result.output_text == TEXT
    assert telemetry.span(NAME).attributes == {
        names.GEN_AI_OPERATION_NAME: "chat",
        names.GEN_AI_PROVIDER_NAME: "gcp.gemini",
        names.GEN_AI_REQUEST_MODEL: "gemini-3-flash",
        names.SERVER_ADDRESS: "127.0.0.1",
        names.SERVER_PORT: api.port,
        names.GEN_AI_REQUEST_TEMPERATURE: 0.2,
        names.GEN_AI_REQUEST_MAX_TOKENS: 50,
        names.GEN_AI_REQUEST_STOP_SEQUENCES: ["END"],
        names.GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID: "v1_before",
        names.GEN_AI_RESPONSE_MODEL: "gemini-3-flash",
        names.GEN_AI_RESPONSE_ID: "v1_abc",
        names.GEN_AI_RESPONSE_FINISH_REASONS: ["stop"],
        names.GEN_AI_RESPONSE_STATUS: "completed",
        names.GEN_AI_USAGE_INPUT_TOKENS: 13,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 12,
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 4,
        names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: 5,
    }
    assert tokens(telemetry) == {"input": 13, "output": 12}


@on
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream(client: Any, open_client: Open, telemetry: Telemetry, asynchronous: bool) -> None:
    """Its last event has the tokens; every event is the application's."""

    async def read(there: Any) -> list[Any]:
        return [event async for event in await there.interactions.create(**ASK, stream=True)]

    events = asynchronously(open_client, read) if asynchronous else list(client.interactions.create(**ASK, stream=True))
    assert [it.event_type for it in events] == [it["event_type"] for it in EVENTS]
    span = telemetry.span(NAME)
    assert span.attributes[names.GEN_AI_REQUEST_STREAM] is True
    assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == len(EVENTS)
    assert tokens(telemetry) == {"input": 13, "output": 12}
    assert telemetry.point(DURATION).count == 1


@on
def test_streams_that_are_left(client: Any, telemetry: Telemetry) -> None:
    """They end without an error."""
    leave(lambda: client.interactions.create(**ASK, stream=True), "close", telemetry)


@on
def test_asynchronous_streams_that_are_left(open_client: Open, telemetry: Telemetry) -> None:
    """Likewise."""

    async def leave_it(there: Any) -> None:
        stream = await there.interactions.create(**ASK, stream=True)
        async for _ in stream:
            break
        await stream.close()

    asynchronously(open_client, leave_it)
    span = telemetry.span(NAME)
    assert (span.status, span.attributes[names.ML_GEN_AI_RESPONSE_ABANDONED]) == ("UNSET", True)


@on
def test_an_answer_in_several_pieces_is_one_call(client: Any, api: FakeGoogle, telemetry: Telemetry) -> None:
    """The client goes on by itself where one request is not enough; the tokens of all of them count."""
    unfinished = {**INTERACTION, "status": "requires_continuation", "continuation_token": "more"}
    api.reply("/v1beta/interactions", Reply(body=unfinished))
    client.interactions.create(**ASK)
    assert len(api.asked) == 2
    assert tokens(telemetry) == {"input": 26, "output": 24}

    telemetry.span_exporter.clear()
    events = [*EVENTS[:-1], {"event_type": "interaction.completed", "interaction": unfinished}]
    api.reply("/v1beta/interactions", sse(*events, names=[it["event_type"] for it in events]))
    list(client.interactions.create(**ASK, stream=True))
    span = telemetry.span(NAME)
    assert span.attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 24
    assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]


@on
def test_other_methods(client: Any, open_client: Open, telemetry: Telemetry) -> None:
    """Of what was made before the tokens are not counted again; nothing of them is missing."""
    client.interactions.get("v1_abc")
    client.interactions.cancel("v1_abc")
    client.interactions.delete("v1_abc")
    asynchronously(open_client, lambda there: there.interactions.get("v1_abc"))
    methods = [it.attributes[names.ML_GEN_AI_OPERATION_METHOD] for it in telemetry.spans]
    assert methods == ["interactions.get", "interactions.cancel", "interactions.delete", "interactions.get"]
    assert telemetry.spans[0].name == "fetch_response"
    assert tokens(telemetry) == {}
    assert telemetry.points(UNMETERED) == []


@on
def test_errors(client: Any, api: FakeGoogle, telemetry: Telemetry) -> None:
    """An error of the API is the application's; a failure that is told in an answer is one too."""
    api.reply("/v1beta/interactions", Reply(400, {"error": {"code": "invalid", "message": "no"}}))
    with pytest.raises(Exception, match="no") as raised:
        client.interactions.create(**ASK)
    failed = {**INTERACTION, "status": "failed", "errors": [{"code": "quota", "message": "no"}]}
    api.reply("/v1beta/interactions", Reply(body=failed))
    client.interactions.create(**ASK)
    found = [it.attributes[names.ERROR_TYPE] for it in telemetry.spans]
    assert found[0].endswith(type(raised.value).__name__)
    assert found[1] == "quota"


@on
def test_a_raw_response_is_the_application_s(client: Any, telemetry: Telemetry) -> None:
    """It is parsed when the application wants it, also where it is a stream."""
    assert client.interactions.with_raw_response.create(**ASK).parse().output_text == TEXT
    with client.interactions.with_streaming_response.create(**ASK, stream=True) as response:
        assert len(list(response.parse())) == len(EVENTS)
    assert [it.name for it in telemetry.spans] == [NAME, NAME]


def test_content(client: Any, switch_on: Switch, telemetry: Telemetry) -> None:
    """What was said, in OpenTelemetry's form, where content is wanted."""
    switch_on(genai_content="span_only")
    asked: list[dict[str, Any]] = [
        {"type": "user_input", "content": [{"type": "text", "text": "Hello"}]},
        {"type": "function_call", "id": "c1", "name": "look_up", "arguments": {"order": "A1"}},
        {"type": "function_result", "call_id": "c1", "name": "look_up", "result": "late"},
    ]
    client.interactions.create(model="gemini-3-flash", input=asked, system_instruction="Be kind")
    list(client.interactions.create(**ASK, stream=True))
    whole, streamed = (it.attributes for it in telemetry.spans)
    said = json.loads(whole[names.GEN_AI_INPUT_MESSAGES])
    assert [it["role"] for it in said] == ["user", "assistant", "tool"]
    assert said[1]["parts"][0]["arguments"] == {"order": "A1"}
    assert json.loads(whole[names.GEN_AI_SYSTEM_INSTRUCTIONS]) == [{"type": "text", "content": "Be kind"}]
    told = [{"role": "assistant", "parts": [{"type": "text", "content": TEXT}], "finish_reason": "stop"}]
    assert json.loads(whole[names.GEN_AI_OUTPUT_MESSAGES]) == told
    assert json.loads(streamed[names.GEN_AI_OUTPUT_MESSAGES]) == told
