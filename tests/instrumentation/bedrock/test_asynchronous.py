"""aiobotocore's clients, which are aioboto3's too; it pins botocore, so that it has an environment of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.support.fakes.bedrock import EVENTS, TEXT, FakeBedrock
from tests.support.genai import DURATION, Switch, soon, tokens
from tests.support.telemetry import Telemetry

aio = pytest.importorskip("aiobotocore.session")

on = pytest.mark.usefixtures("instrumented")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MODEL = "anthropic.claude-sonnet-4-v1:0"
ASK: dict[str, Any] = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
INVOKE: dict[str, Any] = {
    "modelId": MODEL,
    "body": json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": []}),
}


def use(api: FakeBedrock, what: Callable[[Any], Awaitable[Any]]) -> Any:
    """Do something with a client."""

    async def run() -> Any:
        async with aio.get_session().create_client(
            "bedrock-runtime",
            region_name="eu-west-1",
            endpoint_url=api.url,
            aws_access_key_id="none",
            aws_secret_access_key="none",
        ) as client:
            return await what(client)

    return asyncio.run(run())


@on
def test_converse(api: FakeBedrock, telemetry: Telemetry) -> None:
    """A chat with its tokens."""
    result = use(api, lambda client: client.converse(**ASK))
    assert result["output"]["message"]["content"][0]["text"] == TEXT
    span = telemetry.span(f"chat {MODEL}")
    assert span.attributes[names.GEN_AI_PROVIDER_NAME] == "aws.bedrock"
    assert tokens(telemetry) == {"input": 421, "output": 12}


@on
def test_a_stream(api: FakeBedrock, telemetry: Telemetry) -> None:
    """Every event is the application's; the last has the tokens."""

    async def read(client: Any) -> list[Any]:
        return [event async for event in (await client.converse_stream(**ASK))["stream"]]

    assert [next(iter(event)) for event in use(api, read)] == [kind for kind, _ in EVENTS]
    assert telemetry.span().attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == len(EVENTS)
    assert tokens(telemetry) == {"input": 421, "output": 12}


@on
def test_a_stream_that_is_left(api: FakeBedrock, telemetry: Telemetry) -> None:
    """It is closed by a function that is no coroutine function, and is no error."""

    async def leave(client: Any) -> None:
        stream = (await client.converse_stream(**ASK))["stream"]
        async for _ in stream:
            break
        assert stream.close() is None

    use(api, leave)
    assert telemetry.span().attributes[names.ML_GEN_AI_RESPONSE_ABANDONED] is True


@on
@pytest.mark.parametrize("how", ["read", "pieces", "block", "unread"])
def test_a_body(api: FakeBedrock, telemetry: Telemetry, how: str) -> None:
    """However it is read, the answer is the application's, and its tokens are counted."""

    async def invoke(client: Any) -> bytes:
        body = (await client.invoke_model(**INVOKE))["body"]
        if how == "read":
            found = await body.read()
        elif how == "pieces":
            found = b"".join([piece async for piece in body.iter_chunks(16)])
        elif how == "block":
            async with body as response:
                found = await response.content.read()
        else:
            found = b""
        return bytes(found)

    found = use(api, invoke)
    span = soon(telemetry)
    assert telemetry.point(DURATION).count == 1
    if how == "unread":
        assert span.attributes[names.ML_GEN_AI_RESPONSE_ABANDONED] is True
    else:
        assert json.loads(found)["type"] == "message"
        assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["end_turn"]
        assert tokens(telemetry)["output"] == json.loads(found)["usage"]["output_tokens"]


@on
def test_errors_are_the_application_s(api: FakeBedrock, telemetry: Telemetry) -> None:
    """As they are without us."""
    from botocore.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        use(api, lambda client: client.converse(modelId=MODEL, messages=5))
    assert telemetry.span().attributes[names.ERROR_TYPE].endswith("ParamValidationError")


def test_content(api: FakeBedrock, switch_on: Switch, telemetry: Telemetry) -> None:
    """What was said, where content is wanted."""
    switch_on(genai_content="span_only")

    async def read(client: Any) -> None:
        async for _ in (await client.converse_stream(**ASK))["stream"]:
            pass

    use(api, read)
    assert TEXT in telemetry.span().attributes[names.GEN_AI_OUTPUT_MESSAGES]
