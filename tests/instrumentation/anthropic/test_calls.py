"""Whole answers: what is said of them, and that the application gets what it would have got."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.support.fakes.anthropic import MODEL, PATH, TEXT, TOOL_USE, FakeAnthropic, error, message, text
from tests.support.fakes.http import Reply
from tests.support.genai import DURATION, TOKENS, UNMETERED, tokens
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "claude", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
DETAILS = metrics.ML_GEN_AI_CLIENT_TOKEN_DETAILS.name

pytestmark = pytest.mark.usefixtures("instrumented")


def test_a_message_is_a_span_with_its_request_and_answer(client: Any, telemetry: Telemetry) -> None:
    """The span has the request's parameters, and of the answer model, id, stop reason and all kinds of tokens."""
    answer = client.messages.create(
        **ASK,
        extra_body={"temperature": 0.2, "top_p": 0.9, "top_k": 5},  # which release 2 has no arguments for
        stop_sequences=["END"],
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    )

    assert answer.content[0].text == TEXT
    span = telemetry.span("chat claude")
    assert (span.kind, span.status) == ("client", "UNSET")
    assert span.attributes == {
        names.GEN_AI_OPERATION_NAME: "chat",
        names.GEN_AI_PROVIDER_NAME: "anthropic",
        names.GEN_AI_REQUEST_MODEL: "claude",
        names.SERVER_ADDRESS: "127.0.0.1",
        names.SERVER_PORT: client.base_url.port,
        names.GEN_AI_REQUEST_MAX_TOKENS: 50,
        names.GEN_AI_REQUEST_TEMPERATURE: 0.2,
        names.GEN_AI_REQUEST_TOP_P: 0.9,
        names.GEN_AI_REQUEST_TOP_K: 5,
        names.GEN_AI_REQUEST_STOP_SEQUENCES: ["END"],
        names.GEN_AI_REQUEST_REASONING_LEVEL: "low",
        names.GEN_AI_OUTPUT_TYPE: "json",
        names.GEN_AI_RESPONSE_MODEL: MODEL,
        names.GEN_AI_RESPONSE_ID: answer.id,
        names.GEN_AI_RESPONSE_FINISH_REASONS: ["end_turn"],
        names.GEN_AI_USAGE_INPUT_TOKENS: 421,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 12,
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 300,
        names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: 100,
        names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: 5,
    }


def test_a_message_is_counted(client: Any, telemetry: Telemetry) -> None:
    """Duration and tokens are recorded once: the input with what was read from the cache and written to it."""
    client.messages.create(**ASK)

    assert telemetry.point(DURATION).count == 1
    assert tokens(telemetry) == {"input": 421, "output": 12}
    assert telemetry.point(DETAILS, {names.ML_GEN_AI_TOKEN_DETAIL: "cache_read"}).value == 300
    assert telemetry.point(DETAILS, {names.ML_GEN_AI_TOKEN_DETAIL: "cache_write"}).value == 100


def test_the_asynchronous_client_and_the_beta_are_seen_alike(
    asynchronous: Callable[[], Any], telemetry: Telemetry
) -> None:
    """Messages of the asynchronous client, and of its beta API, are spans and points like the others."""

    async def ask() -> Any:
        async with asynchronous() as client:
            await client.messages.create(**ASK)
            return await client.beta.messages.create(**ASK, betas=["context-1m"])

    assert asyncio.run(ask()).content[0].text == TEXT
    assert [span.name for span in telemetry.spans] == ["chat claude"] * 2
    assert telemetry.point(DURATION).count == 2


def test_other_requests_are_operations_of_their_own(client: Any, api: FakeAnthropic, telemetry: Telemetry) -> None:
    """Counting tokens, batches and models have a span each; counted tokens are no usage, and none are missing."""
    assert client.messages.count_tokens(model="claude", messages=ASK["messages"]).input_tokens == 421
    client.messages.batches.create(requests=[{"custom_id": "a", "params": ASK}])
    client.messages.batches.cancel("msgbatch_1")
    client.models.list()
    client.beta.models.retrieve("claude-sonnet-5")

    found = [(span.name, span.attributes[names.ML_GEN_AI_OPERATION_METHOD]) for span in telemetry.spans]
    assert found == [
        ("other claude", "messages.count_tokens"),
        ("batch", "messages.batches.create"),
        ("batch", "messages.batches.cancel"),
        ("other", "models.list"),
        ("other", "models.retrieve"),
    ]
    assert telemetry.points(TOKENS) == []
    assert telemetry.points(UNMETERED) == []


def test_parse_gives_the_parsed_model(client: Any, api: FakeAnthropic, telemetry: Telemetry) -> None:
    """`.parse` returns the application's model, and is one span."""

    class Greeting(BaseModel):
        said: str

    api.reply(PATH, Reply(body=message(text('{"said": "Hi"}'))))

    assert client.messages.parse(**ASK, output_format=Greeting).parsed_output == Greeting(said="Hi")

    assert telemetry.span().attributes[names.GEN_AI_OUTPUT_TYPE] == "json"


def test_raw_and_streaming_responses(client: Any, telemetry: Telemetry) -> None:
    """Both have their headers and the parsed answer, and their spans have the tokens."""
    raw = client.messages.with_raw_response.create(**ASK)
    with client.messages.with_streaming_response.create(**ASK) as opened:
        assert opened.parse().content[0].text == TEXT

    assert raw.headers["request-id"] == "req_1"
    assert raw.parse().content[0].text == TEXT
    assert [span.attributes[names.GEN_AI_USAGE_INPUT_TOKENS] for span in telemetry.spans] == [421, 421]


def test_the_tool_runner_is_a_span_for_each_message(client: Any, api: FakeAnthropic, telemetry: Telemetry) -> None:
    """It calls the application's tool, and each of its requests is told."""
    from anthropic import beta_tool

    @beta_tool
    def look_up(order: str) -> str:
        """Look an order up.

        Args:
            order: its number
        """
        return f"{order} is on its way"

    api.reply(PATH, Reply(body=message(TOOL_USE, stop_reason="tool_use")))

    answer = client.beta.messages.tool_runner(**ASK, tools=[look_up]).until_done()

    assert answer.content[0].text == TEXT
    assert "A1 is on its way" in str(api.asked[1].body["messages"])
    reasons = [span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] for span in telemetry.spans]
    assert reasons == [["tool_use"], ["end_turn"]]


@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (401, "authentication_error", "AuthenticationError"),
        (404, "not_found_error", "NotFoundError"),
        (429, "rate_limit_error", "RateLimitError"),
        (529, "overloaded_error", "OverloadedError"),
    ],
)
def test_an_error_of_the_api(
    client: Any, api: FakeAnthropic, telemetry: Telemetry, status: int, kind: str, raised: str
) -> None:
    """The client's exception reaches the application, and its type is the span's; no tokens are said to be missing."""
    import anthropic

    api.reply(PATH, error(status, kind))

    with pytest.raises(anthropic.APIStatusError) as found:
        client.messages.create(**ASK)

    span = telemetry.span("chat claude")
    assert type(found.value).__name__ == raised
    assert span.status == "ERROR"
    assert span.attributes[names.ERROR_TYPE].endswith(raised)
    assert telemetry.point(DURATION).attributes[names.ERROR_TYPE].endswith(raised)
    assert telemetry.points(UNMETERED) == []


def test_a_request_that_is_retried_is_one_call(client: Any, api: FakeAnthropic, telemetry: Telemetry) -> None:
    """A retry after an overload is the same call, which has not failed."""
    api.reply(PATH, error(529, "overloaded_error", retry_after="0.01"))

    client.with_options(max_retries=1).messages.create(**ASK)

    assert len(api.asked) == 2
    assert telemetry.span("chat claude").status == "UNSET"


@pytest.mark.parametrize(
    "answer",
    [
        message(content=None),
        message(usage=None),
        message(usage={"input_tokens": "many", "output_tokens": None}),
        message(usage={**message()["usage"], "cache_read_input_tokens": None, "output_tokens_details": None}),
        message(stop_reason="because", model=None, id=None),
        {},
    ],
    ids=["null content", "null usage", "odd usage", "no cache", "unknown reason", "nothing"],
)
def test_odd_answers_are_the_application_s(
    client: Any, api: FakeAnthropic, telemetry: Telemetry, answer: dict[str, Any]
) -> None:
    """What the client makes of an answer is what the application gets, and there is a span without an error."""
    api.reply(PATH, Reply(body=answer), Reply(body=answer))

    client.messages.create(**ASK)
    client.messages.with_raw_response.create(**ASK)

    assert [span.status for span in telemetry.spans] == ["UNSET", "UNSET"]


@pytest.mark.parametrize(
    ("name", "arguments", "provider"),
    [
        ("AnthropicBedrock", {"aws_region": "eu-west-1", "api_key": "k"}, "aws.bedrock"),
        ("AnthropicVertex", {"region": "europe-west1", "project_id": "p", "access_token": "t"}, "gcp.vertex_ai"),
        ("AnthropicFoundry", {"api_key": "k"}, "azure.ai.inference"),
    ],
)
def test_other_platforms_are_named(
    api: FakeAnthropic, telemetry: Telemetry, name: str, arguments: dict[str, Any], provider: str
) -> None:
    """The clients of AWS, Google and Azure are told by their own names, whatever address they go through."""
    import anthropic

    made = getattr(anthropic, name)(base_url=api.url, max_retries=0, open_telemetry=False, **arguments)
    with made as client, contextlib.suppress(anthropic.NotFoundError):  # the fake knows none of their paths
        client.messages.create(**ASK)

    span = telemetry.span("chat claude")
    assert span.attributes[names.GEN_AI_PROVIDER_NAME] == provider
