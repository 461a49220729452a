"""Converse and its stream: what is told of them, and that the application gets what it would have got."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.support.fakes.bedrock import (
    EVENTS,
    START,
    TEXT,
    TOOL_USE,
    FakeBedrock,
    conversed,
    end,
    error,
    events,
    failing,
    pieces,
)
from tests.support.fakes.http import Reply
from tests.support.genai import DURATION, LEAVING, Switch, leave, tokens
from tests.support.telemetry import Telemetry

MODEL = "anthropic.claude-sonnet-5-v1:0"
PATH = "/model/anthropic.claude-sonnet-5-v1%3A0/converse"
ASK: dict[str, Any] = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "Where is A1?"}]}]}
DETAILS = metrics.ML_GEN_AI_CLIENT_TOKEN_DETAILS.name
IN, OUT = names.GEN_AI_INPUT_MESSAGES, names.GEN_AI_OUTPUT_MESSAGES

on = pytest.mark.usefixtures("instrumented")
drops_connections = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
"""urllib3 warns of a connection that is dropped with what was read from it, with telemetry or without."""


@on
def test_an_answer_is_a_span_with_its_request(client: Any, api: FakeBedrock, telemetry: Telemetry) -> None:
    """The span has the request's parameters, and of the answer its stop reason and all kinds of tokens."""
    answer = client.converse(
        **ASK,
        inferenceConfig={"maxTokens": 50, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        additionalModelRequestFields={"top_k": 5},
    )

    assert answer["output"]["message"]["content"][0]["text"] == TEXT
    span = telemetry.span(f"chat {MODEL}")
    assert (span.kind, span.status) == ("client", "UNSET")
    assert span.attributes == {
        names.GEN_AI_OPERATION_NAME: "chat",
        names.GEN_AI_PROVIDER_NAME: "aws.bedrock",
        names.GEN_AI_REQUEST_MODEL: MODEL,
        names.SERVER_ADDRESS: "127.0.0.1",
        names.SERVER_PORT: api.port,
        names.GEN_AI_REQUEST_MAX_TOKENS: 50,
        names.GEN_AI_REQUEST_TEMPERATURE: 0.5,
        names.GEN_AI_REQUEST_TOP_P: 0.9,
        names.GEN_AI_REQUEST_TOP_K: 5,
        names.GEN_AI_REQUEST_STOP_SEQUENCES: ["END"],
        names.GEN_AI_RESPONSE_FINISH_REASONS: ["end_turn"],
        names.GEN_AI_USAGE_INPUT_TOKENS: 421,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 12,
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 300,
        names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: 100,
    }


@on
def test_an_answer_is_counted(client: Any, telemetry: Telemetry) -> None:
    """Duration and tokens are recorded once: the input with what was read from the cache and written to it."""
    client.converse(**ASK)

    assert telemetry.point(DURATION).count == 1
    assert tokens(telemetry) == {"input": 421, "output": 12}
    assert telemetry.point(DETAILS, {names.ML_GEN_AI_TOKEN_DETAIL: "cache_read"}).value == 300
    assert telemetry.point(DETAILS, {names.ML_GEN_AI_TOKEN_DETAIL: "cache_write"}).value == 100


@on
@pytest.mark.parametrize(
    ("resource", "model"),
    [
        ("arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0", "eu.amazon.nova-pro-v1:0"),
        ("arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        (
            "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
            "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
        ),
    ],
)
def test_a_resource_is_named_by_its_model(
    client: Any, api: FakeBedrock, telemetry: Telemetry, resource: str, model: str
) -> None:
    """Where the name of a resource ends with the model's, that is the model; others stay what they are."""
    path = f"/model/{resource.replace(':', '%3A').replace('/', '%2F')}/converse"
    api.reply(path, Reply(body=conversed()))

    client.converse(**{**ASK, "modelId": resource})

    assert telemetry.span().attributes[names.GEN_AI_REQUEST_MODEL] == model


@on
def test_a_stream_is_one_span_with_its_tokens(client: Any, telemetry: Telemetry) -> None:
    """The stream is botocore's own, and the call ends with it."""
    from botocore.eventstream import EventStream

    stream = client.converse_stream(**ASK)["stream"]
    assert isinstance(stream, EventStream)
    assert telemetry.spans == []
    assert [next(iter(it)) for it in stream] == [kind for kind, _ in EVENTS]

    found = telemetry.span(f"chat {MODEL}").attributes
    assert found[names.GEN_AI_REQUEST_STREAM] is True
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["end_turn"]
    assert found[names.GEN_AI_USAGE_INPUT_TOKENS] == 421
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 12
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == len(EVENTS)
    assert telemetry.point(DURATION).count == 1


@on
@drops_connections
@pytest.mark.parametrize("how", LEAVING)
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, how: str) -> None:
    """Closed, dropped or never read: one span that says so, and that has not failed."""
    leave(lambda: client.converse_stream(**ASK)["stream"], how, telemetry)


@on
def test_an_exception_within_a_stream(client: Any, api: FakeBedrock, telemetry: Telemetry) -> None:
    """What botocore raises for it is the application's and the span's, with what came before."""
    from botocore.exceptions import EventStreamError

    api.reply(f"{PATH}-stream", failing(START, *pieces("Hel"), kind="throttlingException", text="Slow down."))

    stream = client.converse_stream(**ASK)["stream"]
    with pytest.raises(EventStreamError, match="Slow down"):
        list(stream)
    stream.close()

    span = telemetry.span(f"chat {MODEL}")
    assert (span.status, span.attributes[names.ERROR_TYPE]) == ("ERROR", "botocore.exceptions.EventStreamError")
    assert span.attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 3


@on
def test_an_error_of_the_api(client: Any, api: FakeBedrock, telemetry: Telemetry) -> None:
    """The client's exception reaches the application, and its type is the span's."""
    api.reply(PATH, error(403, "AccessDeniedException", "No access."))

    with pytest.raises(client.exceptions.AccessDeniedException, match="No access"):
        client.converse(**ASK)

    span = telemetry.span(f"chat {MODEL}")
    assert span.status == "ERROR"
    assert span.attributes[names.ERROR_TYPE].endswith("AccessDeniedException")
    assert telemetry.point(DURATION).attributes[names.ERROR_TYPE].endswith("AccessDeniedException")


@on
def test_a_request_that_is_retried_is_one_call(client: Any, api: FakeBedrock, telemetry: Telemetry) -> None:
    """A retry after a throttling is the same call, which has not failed."""
    api.reply(PATH, error(429, "ThrottlingException"))

    client.converse(**ASK)

    assert len(api.asked) == 2
    assert telemetry.span().status == "UNSET"


@on
def test_a_request_that_is_not_valid(client: Any, api: FakeBedrock, telemetry: Telemetry) -> None:
    """Botocore's complaint about a parameter is the application's, and the call has failed."""
    from botocore.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        client.converse(modelId=MODEL, messages="Hello", inferenceConfig="odd")

    assert telemetry.span().attributes[names.ERROR_TYPE] == "botocore.exceptions.ParamValidationError"
    assert api.asked == []


@on
@pytest.mark.parametrize("answer", [conversed(usage=None), conversed(output=None, stopReason=None), {}])
def test_odd_answers_are_the_application_s(
    client: Any, api: FakeBedrock, telemetry: Telemetry, answer: dict[str, Any]
) -> None:
    """What botocore makes of an answer is what the application gets, and there is a span without an error."""
    api.reply(PATH, Reply(body=answer))

    client.converse(**ASK)

    assert telemetry.span().status == "UNSET"


@on
def test_other_operations_and_other_services(client: Any, queue: Any, telemetry: Telemetry) -> None:
    """Counting tokens is an operation of its own; calls of other services leave no trace."""
    counted = client.count_tokens(modelId=MODEL, input={"converse": {"messages": ASK["messages"]}})
    with pytest.raises(Exception, match=r".*"):
        queue.list_queues()

    assert counted["inputTokens"] == 421
    span = telemetry.span(f"other {MODEL}")
    assert span.attributes[names.ML_GEN_AI_OPERATION_METHOD] == "CountTokens"
    assert len(telemetry.spans) == 1


@on
def test_suppressed_calls_leave_no_trace(client: Any, telemetry: Telemetry) -> None:
    """`suppress_instrumentation` holds, and a stream is botocore's own object then."""
    from botocore.eventstream import EventStream

    with suppress_instrumentation():
        stream = client.converse_stream(**ASK)["stream"]

    assert type(stream) is EventStream
    stream.close()
    assert telemetry.spans == []


def test_content_of_requests_and_answers(
    client: Any, api: FakeBedrock, switch_on: Switch, telemetry: Telemetry
) -> None:
    """Off by default; else texts, thoughts, images, tool calls and their results are parts; images are named only."""
    switch_on()
    client.converse(**ASK)
    assert "A1" not in str(telemetry.span().attributes)
    telemetry.span_exporter.clear()
    switch_on().uninstrument()
    switch_on(genai_content="span_only")
    image = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
    result = {"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "On its way"}]}}
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}}
    tool = {"toolSpec": {"name": "look_up", "inputSchema": {"json": {"type": "object"}}}}
    api.reply(PATH, Reply(body=conversed({"text": "One moment."}, TOOL_USE, stopReason="tool_use")))

    client.converse(
        modelId=MODEL,
        system=[{"text": "Be kind."}],
        messages=[
            {"role": "user", "content": [{"text": "Where is A1?"}, image]},
            {"role": "assistant", "content": [thought, TOOL_USE]},
            {"role": "user", "content": [result]},
        ],
        toolConfig={"tools": [tool]},
    )

    found = {key: json.loads(value) for key, value in telemetry.span().attributes.items() if key in (IN, OUT)}
    asked, thinking, told = found[IN]
    call = {"type": "tool_call", "id": "tooluse_1", "name": "look_up", "arguments": {"order": "A1"}}
    assert asked["parts"][0] == {"type": "text", "content": "Where is A1?"}
    assert asked["parts"][1]["content"].startswith("[binary, 4 bytes")
    assert thinking["parts"] == [{"type": "reasoning", "content": "Hm."}, call]
    response = [{"type": "text", "content": "On its way"}]
    assert told["parts"] == [{"type": "tool_call_response", "id": "tooluse_1", "response": response}]
    assert found[OUT][0]["parts"] == [{"type": "text", "content": "One moment."}, call]
    assert json.loads(telemetry.span().attributes[names.GEN_AI_TOOL_DEFINITIONS]) == [tool]


def test_content_of_streams(client: Any, api: FakeBedrock, switch_on: Switch, telemetry: Telemetry) -> None:
    """Streamed texts, thoughts and the input of tools are put together."""
    switch_on(genai_content="span_only")
    begun = {"toolUse": {"toolUseId": "tooluse_1", "name": "look_up"}}
    thoughts: list[Any] = [{"reasoningContent": {"text": it}} for it in ("Let me", " see.")]
    inputs: list[Any] = [{"toolUse": {"input": it}} for it in ('{"order":', ' "A1"}')]
    found: list[Any] = [("contentBlockDelta", {"contentBlockIndex": 1, "delta": it}) for it in thoughts]
    found.append(("contentBlockStart", {"contentBlockIndex": 2, "start": begun}))
    found.extend(("contentBlockDelta", {"contentBlockIndex": 2, "delta": it}) for it in inputs)
    api.reply(f"{PATH}-stream", events(START, *pieces("One", " moment."), *found, *end("tool_use")))

    list(client.converse_stream(**ASK)["stream"])

    assert json.loads(telemetry.span().attributes[OUT]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "text", "content": "One moment."},
                {"type": "reasoning", "content": "Let me see."},
                {"type": "tool_call", "id": "tooluse_1", "name": "look_up", "arguments": '{"order": "A1"}'},
            ],
            "finish_reason": "tool_use",
        }
    ]
