"""InvokeModel and its stream, in the forms of the models' makers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.support.fakes.anthropic import TEXT
from tests.support.fakes.bedrock import STREAMED, WHOLE, FakeBedrock, invoked
from tests.support.fakes.http import Reply
from tests.support.genai import DURATION, LEAVING, UNMETERED, Switch, leave, soon
from tests.support.telemetry import Telemetry

USER = [{"role": "user", "content": "Hello"}]
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": USER}
NOVA = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}], "inferenceConfig": {"maxTokens": 50}}
TITAN = {"inputText": "Hello", "textGenerationConfig": {"maxTokenCount": 50, "stopSequences": ["END"]}}
LLAMA = {"prompt": "Hello", "max_gen_len": 50}
FAMILIES: list[tuple[str, dict[str, Any], str, tuple[int, int], str]] = [
    ("anthropic.claude-v9:0", CLAUDE, "chat", (421, 12), "end_turn"),
    ("amazon.nova-pro-v1:0", NOVA, "chat", (421, 12), "end_turn"),
    ("amazon.titan-text-v1:0", TITAN, "text_completion", (5, 6), "FINISH"),
    ("meta.llama4-v1:0", LLAMA, "text_completion", (5, 6), "stop"),
    ("cohere.command-v1:0", {"prompt": "Hello", "max_tokens": 50}, "text_completion", (7, 9), "COMPLETE"),
    ("mistral.mistral-v1:0", {"prompt": "Hello", "max_tokens": 50}, "text_completion", (7, 9), "stop"),
    ("openai.gpt-oss-120b-1:0", {"messages": USER, "max_tokens": 50}, "chat", (5, 6), "stop"),
]
"""Model, body, operation, the tokens of a whole answer, and the reason for which it ended."""

READING: dict[str, Callable[[Any], bytes]] = {
    "read": lambda body: body.read(),
    "pieces": lambda body: b"".join(iter(lambda: body.read(100), b"")),
    "iter": lambda body: b"".join(body),
    "iter_lines": lambda body: b"".join(body.iter_lines()),
    "with": lambda body: _within(body),
    "readinto": lambda body: _into(body),
}

on = pytest.mark.usefixtures("instrumented")
drops_connections = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
"""urllib3 warns of a connection that is dropped with what was read from it, with telemetry or without."""


def _within(body: Any) -> bytes:
    with body as raw:
        return bytes(raw.read())


def _into(body: Any) -> bytes:
    found, buffer = b"", bytearray(100)
    while size := body.readinto(buffer):
        found += buffer[:size]
    return found


def invoke(client: Any, model: str = FAMILIES[0][0], body: Any = CLAUDE) -> Any:
    """The body of an answer."""
    return client.invoke_model(modelId=model, body=json.dumps(body))["body"]


@on
@pytest.mark.parametrize(("model", "body", "operation", "counts", "reason"), FAMILIES, ids=[it[0] for it in FAMILIES])
def test_whole_answers(
    client: Any,
    telemetry: Telemetry,
    model: str,
    body: dict[str, Any],
    operation: str,
    counts: tuple[int, int],
    reason: str,
) -> None:
    """The body is as it was sent; the span has operation, request, tokens (of the body or of Bedrock) and reason."""
    found = json.loads(invoke(client, model, body).read())

    assert found in WHOLE.values()
    attributes = telemetry.span(f"{operation} {model}").attributes
    assert (attributes[names.GEN_AI_USAGE_INPUT_TOKENS], attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS]) == counts
    assert attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == [reason]
    assert attributes[names.GEN_AI_REQUEST_MAX_TOKENS] == 50
    assert names.ML_GEN_AI_RESPONSE_CHUNK_COUNT not in attributes
    assert names.ML_GEN_AI_RESPONSE_ABANDONED not in attributes


@on
@pytest.mark.parametrize(("model", "body", "operation", "counts", "reason"), FAMILIES, ids=[it[0] for it in FAMILIES])
def test_streams(
    client: Any,
    telemetry: Telemetry,
    model: str,
    body: dict[str, Any],
    operation: str,
    counts: tuple[int, int],
    reason: str,
) -> None:
    """The pieces are as they were sent; where the maker tells no tokens, the last piece has Bedrock's own count."""
    sent = next(pieces for family, pieces in STREAMED.items() if family in model)
    stream = client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))["body"]
    got = [json.loads(it["chunk"]["bytes"]) for it in stream]

    assert got[:-1] == sent[:-1]
    attributes = telemetry.span(f"{operation} {model}").attributes
    expected = (7, 9) if model.startswith("openai") else counts  # whose streams tell none unless asked to
    assert (attributes[names.GEN_AI_USAGE_INPUT_TOKENS], attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS]) == expected
    assert attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == [reason]
    assert attributes[names.GEN_AI_REQUEST_STREAM] is True
    assert attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == len(sent)


@on
def test_embeddings_and_images(client: Any, telemetry: Telemetry) -> None:
    """Both are operations of their own."""
    invoke(client, "amazon.titan-embed-text-v2:0", {"inputText": "Hello", "dimensions": 256}).read()
    invoke(client, "stability.sd3-5-large-v1:0", {"prompt": "A cat"}).read()

    embedded = telemetry.span("embeddings amazon.titan-embed-text-v2:0").attributes
    assert embedded[names.GEN_AI_USAGE_INPUT_TOKENS] == 3
    assert embedded[names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT] == 256
    assert telemetry.span("image_generation stability.sd3-5-large-v1:0").attributes[names.GEN_AI_OUTPUT_TYPE] == "image"


@on
@pytest.mark.parametrize("reading", READING)
def test_a_body_is_read_in_any_way(client: Any, telemetry: Telemetry, reading: str) -> None:
    """It is botocore's own object, whole to its last byte, and its end is the call's."""
    from botocore.response import StreamingBody

    body = invoke(client)
    assert type(body) is StreamingBody
    assert telemetry.spans == []

    assert json.loads(READING[reading](body)) == WHOLE["anthropic.claude"]

    assert soon(telemetry).attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 12
    assert names.ML_GEN_AI_RESPONSE_ABANDONED not in telemetry.span().attributes
    assert telemetry.point(DURATION).count == 1


@on
@drops_connections
@pytest.mark.parametrize("how", ["close", "unread"])
def test_a_body_that_is_not_read(client: Any, telemetry: Telemetry, how: str) -> None:
    """The call ends without an error, with Bedrock's own count of the tokens."""
    body = invoke(client)
    if how == "close":
        body.close()
        assert len(telemetry.spans) == 1
    del body

    span = soon(telemetry)
    assert (span.status, span.attributes[names.ML_GEN_AI_RESPONSE_ABANDONED]) == ("UNSET", True)
    assert span.attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 7
    assert span.end > span.start


@on
def test_a_body_that_breaks_off(client: Any, api: FakeBedrock, telemetry: Telemetry) -> None:
    """Botocore's exception is the application's, and the call has failed with what lies below it."""
    from botocore.exceptions import ResponseStreamingError

    whole = invoked(WHOLE["anthropic.claude"])
    api.reply("/model/anthropic.claude-v9%3A0/invoke", Reply(body=whole.body, headers=whole.headers, cut=True))

    with pytest.raises(ResponseStreamingError):
        invoke(client).read()

    assert telemetry.span().status == "ERROR"


@on
@drops_connections
@pytest.mark.parametrize("how", LEAVING)
def test_leaving_a_stream_is_no_error(client: Any, telemetry: Telemetry, how: str) -> None:
    """Closed, dropped or never read: one span that says so, and that has not failed."""
    ask = {"modelId": FAMILIES[0][0], "body": json.dumps(CLAUDE)}
    leave(lambda: client.invoke_model_with_response_stream(**ask)["body"], how, telemetry)


@on
@pytest.mark.parametrize("body", [b"{not json", b"[]", io.BytesIO(json.dumps(CLAUDE).encode()), bytearray(b"{}")])
def test_odd_bodies_arrive_as_they_are(client: Any, api: FakeBedrock, telemetry: Telemetry, body: Any) -> None:
    """No JSON, another type, a file: the request is the application's, and nothing of it is read away."""
    expected = body.getvalue() if isinstance(body, io.BytesIO) else bytes(body)

    client.invoke_model(modelId="anthropic.claude-v9:0", body=body)["body"].read()

    sent = api.asked[0].body
    assert (sent if isinstance(sent, bytes) else json.dumps(sent).encode()) == expected
    assert telemetry.span().status == "UNSET"
    assert telemetry.points(UNMETERED) == []


@on
@pytest.mark.parametrize("answer", [b"<html>", b"[1]", json.dumps({"usage": None, "content": None}).encode()])
def test_odd_answers_are_the_application_s(client: Any, api: FakeBedrock, telemetry: Telemetry, answer: bytes) -> None:
    """What the application reads is what was sent, and there is a span with Bedrock's own count."""
    api.reply("/model/anthropic.claude-v9%3A0/invoke", invoked(answer))

    assert invoke(client).read() == answer

    assert telemetry.span().attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 9


@pytest.mark.parametrize(("model", "body"), [it[:2] for it in FAMILIES], ids=[it[0] for it in FAMILIES])
def test_content(client: Any, switch_on: Switch, telemetry: Telemetry, model: str, body: dict[str, Any]) -> None:
    """Where it is wanted, prompts and answers of every form are told."""
    switch_on(genai_content="span_only")

    invoke(client, model, body).read()

    attributes = telemetry.span().attributes
    assert json.loads(attributes[names.GEN_AI_INPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "Hello"}]
    assert json.loads(attributes[names.GEN_AI_OUTPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": TEXT}]


@pytest.mark.parametrize(("model", "body"), [it[:2] for it in FAMILIES], ids=[it[0] for it in FAMILIES])
def test_content_of_streams(
    client: Any, switch_on: Switch, telemetry: Telemetry, model: str, body: dict[str, Any]
) -> None:
    """Where it is wanted, streamed texts of every form are put together."""
    switch_on(genai_content="span_only")

    list(client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))["body"])

    (told,) = json.loads(telemetry.span().attributes[names.GEN_AI_OUTPUT_MESSAGES])
    assert told["parts"][0]["content"].startswith("Hello!")
