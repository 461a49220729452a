"""Live sessions, over a web socket of this machine that speaks as the service does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.instrumentation.google_genai.conftest import Open
from tests.support.genai import DURATION, Switch, tokens
from tests.support.telemetry import Telemetry

pytestmark = pytest.mark.filterwarnings("ignore")  # of google-genai 3.4, about its own use of aiohttp

on = pytest.mark.usefixtures("instrumented")
USAGE = {
    "promptTokenCount": 20,
    "responseTokenCount": 7,
    "totalTokenCount": 27,
    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}],
}
TURN: list[dict[str, Any]] = [
    {"serverContent": {"modelTurn": {"parts": [{"text": "Hello!"}]}}},
    {"serverContent": {"modelTurn": {"parts": [{"text": " I help."}]}}},
    {"serverContent": {"turnComplete": True}, "usageMetadata": USAGE},
]
NAME = "generate_content gemini-live"


def use(open_client: Open, what: Callable[[Any], Awaitable[Any]], **config: Any) -> Any:
    """Do something in a session with a service that answers each text with a turn, and `bye` with its leave."""
    from websockets.asyncio.server import serve

    async def answer(socket: Any) -> None:
        await socket.recv()
        await socket.send(json.dumps({"setupComplete": {"sessionId": "s1"}}))
        async for asked in socket:
            if "bye" in str(asked):
                return
            for it in TURN:
                await socket.send(json.dumps(it))

    async def run() -> Any:
        async with serve(answer, "127.0.0.1", 0) as far_end:
            port = far_end.sockets[0].getsockname()[1]
            client = open_client()
            # The client encrypts whatever address it is given.
            client._api_client._websocket_base_url = lambda *_: f"ws://127.0.0.1:{port}"
            client._api_client._websocket_ssl_ctx = {}
            async with client.aio.live.connect(model="gemini-live", config=config) as session:
                return await what(session)

    return asyncio.run(run())


async def say(session: Any, text: str = "Hello") -> None:
    """Say something."""
    await session.send_client_content(turns={"role": "user", "parts": [{"text": text}]}, turn_complete=True)


@on
def test_each_turn_is_a_call(open_client: Open, telemetry: Telemetry) -> None:
    """With the model of the session, its parameters, and the tokens of the turn."""

    async def talk(session: Any) -> list[int]:
        got = []
        for _ in range(2):
            await say(session)
            got.append(len([it async for it in session.receive()]))
        return got

    assert use(open_client, talk, temperature=0.5, response_modalities=["AUDIO"]) == [3, 3]
    first, second = telemetry.spans
    assert (first.name, second.name) == (NAME, NAME)
    found = first.attributes
    assert found[names.GEN_AI_PROVIDER_NAME] == "gcp.gemini"
    assert found[names.GEN_AI_REQUEST_TEMPERATURE] == 0.5
    assert found[names.GEN_AI_OUTPUT_TYPE] == "speech"
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    assert found[names.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS] == 6
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 3
    assert tokens(telemetry) == {"input": 40, "output": 14}
    assert telemetry.point(DURATION).count == 2


@on
def test_a_session_that_ends_while_the_application_listens(open_client: Open, telemetry: Telemetry) -> None:
    """The exception is the application's; that nobody says any more is no failed call."""
    from google.genai.errors import APIError

    async def talk(session: Any) -> None:
        await say(session, "bye")
        with pytest.raises(APIError):
            async for _ in session.receive():
                pass

    use(open_client, talk)
    span = telemetry.span(NAME)
    assert span.status == "UNSET"
    assert span.attributes[names.ML_GEN_AI_RESPONSE_ABANDONED] is True


def test_content(open_client: Open, switch_on: Switch, telemetry: Telemetry) -> None:
    """What the model says, where content is wanted."""
    switch_on(genai_content="span_only")

    async def talk(session: Any) -> None:
        await say(session)
        async for _ in session.receive():
            pass

    use(open_client, talk)
    told = json.loads(telemetry.span().attributes[names.GEN_AI_OUTPUT_MESSAGES])
    assert told[0]["parts"] == [{"type": "text", "content": "Hello! I help."}]


def test_without_the_hook_it_is_the_same(open_client: Open) -> None:
    """What the session gives by itself is what it gives under the hook."""

    async def talk(session: Any) -> int:
        await say(session)
        return len([it async for it in session.receive()])

    assert use(open_client, talk) == 3
