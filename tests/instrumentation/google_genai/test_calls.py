"""Whole answers: what is said of them, and that the application gets what it would have got."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.instrumentation.google_genai.conftest import Open
from tests.support.fakes.google_genai import CALL, MODEL, TEXT, FakeGoogle, candidate, error, generated
from tests.support.fakes.http import Reply
from tests.support.genai import DURATION, TOKENS, UNMETERED, tokens
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "gemini-3-flash", "contents": "Hello"}
PATH = "/v1beta/models/gemini-3-flash:generateContent"
DETAILS = metrics.ML_GEN_AI_CLIENT_TOKEN_DETAILS.name

pytestmark = [
    pytest.mark.usefixtures("instrumented"),
    # Of google-genai 3.4 about its own use of aiohttp, where that is installed.
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]


def test_an_answer_is_a_span_with_its_request(client: Any, api: FakeGoogle, telemetry: Telemetry) -> None:
    """The span has the request's parameters, and of the answer model, id, reasons and all kinds of tokens."""
    answer = client.models.generate_content(
        **ASK,
        config={
            "temperature": 0.2,
            "top_p": 0.9,
            "top_k": 40,
            "max_output_tokens": 50,
            "stop_sequences": ["END"],
            "seed": 7,
            "candidate_count": 2,
            "presence_penalty": 0.1,
            "frequency_penalty": 0.3,
            "response_mime_type": "application/json",
            "thinking_config": {"thinking_level": "LOW"},
        },
    )

    assert answer.text == TEXT
    span = telemetry.span("generate_content gemini-3-flash")
    assert (span.kind, span.status) == ("client", "UNSET")
    assert span.attributes == {
        names.GEN_AI_OPERATION_NAME: "generate_content",
        names.GEN_AI_PROVIDER_NAME: "gcp.gemini",
        names.GEN_AI_REQUEST_MODEL: "gemini-3-flash",
        names.SERVER_ADDRESS: "127.0.0.1",
        names.SERVER_PORT: api.port,
        names.GEN_AI_REQUEST_TEMPERATURE: 0.2,
        names.GEN_AI_REQUEST_TOP_P: 0.9,
        names.GEN_AI_REQUEST_TOP_K: 40,
        names.GEN_AI_REQUEST_MAX_TOKENS: 50,
        names.GEN_AI_REQUEST_STOP_SEQUENCES: ["END"],
        names.GEN_AI_REQUEST_SEED: 7,
        names.GEN_AI_REQUEST_CHOICE_COUNT: 2,
        names.GEN_AI_REQUEST_PRESENCE_PENALTY: 0.1,
        names.GEN_AI_REQUEST_FREQUENCY_PENALTY: 0.3,
        names.GEN_AI_OUTPUT_TYPE: "json",
        names.GEN_AI_REQUEST_REASONING_LEVEL: "low",
        names.GEN_AI_RESPONSE_MODEL: MODEL,
        names.GEN_AI_RESPONSE_ID: answer.response_id,
        names.GEN_AI_RESPONSE_FINISH_REASONS: ["stop"],
        names.GEN_AI_USAGE_INPUT_TOKENS: 430,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 12,
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 300,
        names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: 5,
        names.GEN_AI_USAGE_AUDIO_INPUT_TOKENS: 21,
    }


def test_an_answer_is_counted(client: Any, telemetry: Telemetry) -> None:
    """Duration and tokens are recorded once: results of tools are input, thoughts are output."""
    client.models.generate_content(**ASK)

    assert telemetry.point(DURATION).count == 1
    assert tokens(telemetry) == {"input": 430, "output": 12}
    assert telemetry.point(DETAILS, {names.ML_GEN_AI_TOKEN_DETAIL: "cache_read"}).value == 300
    assert telemetry.point(DETAILS, {names.ML_GEN_AI_TOKEN_DETAIL: "reasoning"}).value == 5


def test_the_asynchronous_client_and_chats_are_seen_alike(client: Any, open_client: Open, telemetry: Telemetry) -> None:
    """Calls of the asynchronous client, and messages of both clients' chats, are spans and points like the others."""

    async def ask() -> str:
        asynchronous = open_client().aio
        await asynchronous.models.generate_content(**ASK)
        answer = await asynchronous.chats.create(model="gemini-3-flash").send_message("Hello")
        await asynchronous.aclose()
        return str(answer.text)

    chat = client.chats.create(model="gemini-3-flash")
    chat.send_message("Hello")
    chat.send_message("Again")
    assert asyncio.run(ask()) == TEXT

    assert [span.name for span in telemetry.spans] == ["generate_content gemini-3-flash"] * 4
    assert telemetry.point(DURATION).count == 4


def test_functions_that_the_client_calls(client: Any, api: FakeGoogle, telemetry: Telemetry) -> None:
    """The application's function is called, and each request to the model is a call."""

    def look_up(order: str) -> str:
        """Look an order up."""
        return f"{order} is on its way"

    look_up.__annotations__["order"] = str  # google-genai's releases for Python 3.10 cannot read it from a string
    api.reply(PATH, Reply(body=generated(candidate(CALL))))

    answer = client.models.generate_content(**ASK, config={"tools": [look_up]})

    assert answer.text == TEXT
    assert "A1 is on its way" in str(api.asked[1].body["contents"])
    assert len(telemetry.spans) == 2


def test_embeddings(client: Any, open_client: Open, telemetry: Telemetry) -> None:
    """The Gemini API tells no tokens of them, which are not missing; Vertex AI does."""
    from google.oauth2.credentials import Credentials

    client.models.embed_content(model="embedding-001", contents="Hello", config={"output_dimensionality": 2})
    arguments = {"api_key": None, "vertexai": True, "project": "p", "location": "europe-west1"}
    vertex = open_client(**arguments, credentials=Credentials("token"))
    vertex.models.embed_content(model="text-embedding-005", contents="Hello")
    vertex.close()

    embedded = telemetry.span("embeddings embedding-001").attributes
    assert embedded[names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT] == 2
    assert names.ML_GEN_AI_USAGE_STATUS not in embedded
    counted = telemetry.span("embeddings text-embedding-005").attributes
    assert counted[names.GEN_AI_PROVIDER_NAME] == "gcp.vertex_ai"
    assert counted[names.GEN_AI_USAGE_INPUT_TOKENS] == 3


def test_other_requests_are_operations_of_their_own(client: Any, telemetry: Telemetry) -> None:
    """Counting tokens, files and models have a span each; counted tokens are no usage, and none are missing."""
    assert client.models.count_tokens(**ASK).total_tokens == 421
    client.files.get(name="abc")
    list(client.models.list())

    found = [(span.name, span.attributes[names.ML_GEN_AI_OPERATION_METHOD]) for span in telemetry.spans]
    assert found == [
        ("other gemini-3-flash", "models.countTokens"),
        ("file", "files.retrieve"),
        ("other", "models.list"),
    ]
    assert telemetry.points(TOKENS) == []
    assert telemetry.points(UNMETERED) == []


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [(400, "INVALID_ARGUMENT", "ClientError"), (429, "RESOURCE_EXHAUSTED", "ClientError"), (503, "X", "ServerError")],
)
def test_an_error_of_the_api(
    client: Any, api: FakeGoogle, telemetry: Telemetry, code: int, status: str, raised: str
) -> None:
    """The client's exception reaches the application, and its type is the span's; no tokens are said to be missing."""
    from google.genai import errors

    api.reply(PATH, error(code, status))

    with pytest.raises(errors.APIError) as found:
        client.models.generate_content(**ASK)

    span = telemetry.span()
    assert found.value.code == code
    assert (span.status, span.attributes[names.ERROR_TYPE]) == ("ERROR", f"google.genai.errors.{raised}")
    assert telemetry.point(DURATION).attributes[names.ERROR_TYPE] == f"google.genai.errors.{raised}"
    assert telemetry.points(UNMETERED) == []


@pytest.mark.filterwarnings("ignore:BECAUSE is not a valid FinishReason:UserWarning")
@pytest.mark.parametrize(
    ("answer", "reasons"),
    [
        (generated(usageMetadata=None), ["stop"]),
        (generated(candidate(reason="BECAUSE")), ["because"]),
        (generated(candidates=None, promptFeedback={"blockReason": "SAFETY"}), ["safety"]),
        (generated(candidates=[], usageMetadata={"promptTokenCount": 4}), None),
        (generated(candidate(), candidate(reason="MAX_TOKENS", index=1)), ["stop", "max_tokens"]),
        ({}, None),
    ],
    ids=["null usage", "unknown reason", "blocked", "no candidates", "two candidates", "nothing"],
)
def test_odd_answers_are_the_application_s(
    client: Any, api: FakeGoogle, telemetry: Telemetry, answer: dict[str, Any], reasons: list[str] | None
) -> None:
    """What the client makes of an answer is what the application gets, and there is a span without an error."""
    api.reply(PATH, Reply(body=answer))

    client.models.generate_content(**ASK)

    span = telemetry.span()
    assert span.status == "UNSET"
    assert span.attributes.get(names.GEN_AI_RESPONSE_FINISH_REASONS) == reasons


def test_an_answer_that_is_no_json(client: Any, api: FakeGoogle, contained_faults: None, telemetry: Telemetry) -> None:
    """What the client raises for it is the application's, and the call itself was answered."""
    api.reply(PATH, Reply(body=b"<html>", headers={"content-type": "text/html"}))

    with pytest.raises(ValueError, match="Expecting value"):
        client.models.generate_content(**ASK)

    assert telemetry.span().status == "UNSET"


def test_suppressed_calls_leave_no_trace(client: Any, telemetry: Telemetry) -> None:
    """`suppress_instrumentation` holds for answers and for streams."""
    with suppress_instrumentation():
        assert client.models.generate_content(**ASK).text == TEXT
        assert len(list(client.models.generate_content_stream(**ASK))) == 3

    assert telemetry.spans == []
    assert telemetry.points(DURATION) == []
