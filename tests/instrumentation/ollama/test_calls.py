"""Whole answers of Ollama: what is said of them, and that the application gets what it would have got."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.semconv import attributes as names
from tests.support.fakes.http import Reply
from tests.support.fakes.ollama import MODEL, TEXT, FakeOllama, chunk, error, message
from tests.support.genai import DURATION, UNMETERED, Switch, tokens
from tests.support.telemetry import Telemetry

MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]

on = pytest.mark.usefixtures("instrumented")


@on
def test_a_chat_is_a_span_with_its_request_and_answer(client: Any, api: FakeOllama, telemetry: Telemetry) -> None:
    """The span has the request's options, the answer's model, reason and tokens; all is counted once."""
    options = {"temperature": 0.2, "num_predict": 50, "seed": 7, "top_k": 3, "stop": ["END"], "num_ctx": 4096}
    answer = client.chat("llama3.2", MESSAGES, options=options, format="json", think="low")

    assert answer.message.content == TEXT
    span = telemetry.span("chat llama3.2")
    assert (span.kind, span.status) == ("client", "UNSET")
    assert span.attributes == {
        names.GEN_AI_OPERATION_NAME: "chat",
        names.GEN_AI_PROVIDER_NAME: "ollama",
        names.GEN_AI_REQUEST_MODEL: "llama3.2",
        names.SERVER_ADDRESS: "127.0.0.1",
        names.SERVER_PORT: api.port,
        names.GEN_AI_REQUEST_TEMPERATURE: 0.2,
        names.GEN_AI_REQUEST_MAX_TOKENS: 50,
        names.GEN_AI_REQUEST_SEED: 7,
        names.GEN_AI_REQUEST_TOP_K: 3,
        names.GEN_AI_REQUEST_STOP_SEQUENCES: ["END"],
        names.GEN_AI_OUTPUT_TYPE: "json",
        names.GEN_AI_REQUEST_REASONING_LEVEL: "low",
        names.GEN_AI_RESPONSE_MODEL: MODEL,
        names.GEN_AI_RESPONSE_FINISH_REASONS: ["stop"],
        names.GEN_AI_USAGE_INPUT_TOKENS: 26,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 282,
    }
    assert telemetry.point(DURATION).count == 1
    assert tokens(telemetry) == {"input": 26, "output": 282}


@on
def test_the_other_calls(client: Any, telemetry: Telemetry) -> None:
    """Generation, both embeddings, scores, and the operations that have no tokens."""
    client.generate("llama3.2", "Why?")
    client.generate("loaded")
    client.embed("all-minilm", "Hello", dimensions=2)
    client.embeddings("old", "Hello")
    client.systemone("scored", "state", {"q": {"type": "noul", "instructions": "Is it?"}})
    client.list()
    client.show("llama3.2")

    assert [span.name for span in telemetry.spans] == [
        "text_completion llama3.2",
        "text_completion loaded",
        "embeddings all-minilm",
        "embeddings old",
        "generate_content scored",
        "other",
        "other llama3.2",
    ]
    embedded = telemetry.span("embeddings all-minilm").attributes
    assert embedded[names.GEN_AI_USAGE_INPUT_TOKENS] == 8
    assert embedded[names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT] == 2
    assert telemetry.span("generate_content scored").attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 31
    assert telemetry.span("other llama3.2").attributes[names.ML_GEN_AI_OPERATION_METHOD] == "show"
    assert telemetry.points(UNMETERED) == []


@on
def test_the_asynchronous_client_is_seen_alike(api: FakeOllama, telemetry: Telemetry) -> None:
    """Calls of the asynchronous client are spans and points like those of the other."""
    from ollama import AsyncClient

    async def ask() -> Any:
        async with AsyncClient(api.url) as client:
            return await client.chat("llama3.2", MESSAGES)

    assert asyncio.run(ask()).message.content == TEXT
    assert telemetry.span("chat llama3.2").attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 282


@on
def test_errors_are_the_application_s(client: Any, api: FakeOllama, telemetry: Telemetry) -> None:
    """An error of the server, and one of the connection, reach the application and name themselves on the spans."""
    from ollama import Client, ResponseError

    api.reply("/api/chat", error(404, "model 'a' not found"))
    with pytest.raises(ResponseError, match="not found") as raised:
        client.chat("a", MESSAGES)
    with Client("http://127.0.0.1:9") as nobody, pytest.raises(ConnectionError):
        nobody.chat("b", MESSAGES)

    assert raised.value.status_code == 404
    failed = telemetry.span("chat a")
    assert (failed.status, failed.attributes[names.ERROR_TYPE]) == ("ERROR", "ollama._types.ResponseError")
    assert telemetry.span("chat b").attributes[names.ERROR_TYPE] == "ConnectionError"
    assert telemetry.points(UNMETERED) == []


@on
def test_what_the_server_leaves_out_is_missing(client: Any, api: FakeOllama, telemetry: Telemetry) -> None:
    """An answer without counts, reason or model is no fault, and its tokens are marked missing."""
    api.reply("/api/chat", Reply(body={"message": {"role": "assistant"}}))

    client.chat("llama3.2", MESSAGES)

    assert telemetry.span("chat llama3.2").attributes[names.ML_GEN_AI_USAGE_STATUS] == "missing"


@on
def test_searches_ask_another_server(client: Any, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search of the web goes to Ollama's own service."""
    import httpx

    monkeypatch.setattr(
        client._client,
        "request",
        lambda *_, **__: httpx.Response(200, json={"results": []}, request=httpx.Request("POST", "https://ollama.com")),
    )
    client._client.headers["authorization"] = "Bearer none"
    client.web_search("otelml")

    found = telemetry.span("other").attributes
    assert (found[names.SERVER_ADDRESS], found[names.ML_GEN_AI_OPERATION_METHOD]) == ("ollama.com", "web_search")


def test_off_and_suppressed_nothing_is_said(client: Any, instrumented: GenAIInstrumentor, telemetry: Telemetry) -> None:
    """Inside `suppress_instrumentation`, and after switching off, calls work silently; the method is the library's."""
    from ollama import Client

    replaced: Any = Client._request
    with suppress_instrumentation():
        client.chat("llama3.2", MESSAGES)
    instrumented.uninstrument()
    client.chat("llama3.2", MESSAGES)

    assert telemetry.spans == []
    assert Client._request is replaced.__wrapped__


CALL = {"function": {"name": "weather", "arguments": {"city": "Bern"}}}


@pytest.mark.parametrize("content", ["no_content", "span_only"])
def test_content(client: Any, api: FakeOllama, switch_on: Switch, telemetry: Telemetry, content: str) -> None:
    """Prompts, images, thoughts, tools and answers are told only where content is wanted, images by their digest."""
    switch_on(genai_content=content)
    api.reply("/api/chat", Reply(body=chunk(message("", thinking="Hm.", tool_calls=[CALL]), done=True)))
    asked = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello", "images": [b"\x89PNG\r\n"]},
        {"role": "assistant", "content": "", "thinking": "Hm.", "tool_calls": [CALL]},
        {"role": "tool", "content": "rain", "tool_name": "weather"},
    ]
    client.chat("llama3.2", asked, tools=[{"type": "function", "function": {"name": "weather"}}])
    client.generate("llama3.2", "Why?", system="Be kind.")

    found = [str(span.attributes) for span in telemetry.spans]
    if content == "no_content":
        assert not any(word in it for it in found for word in ("Hello", "Bern", "kind", "Hm.", "rain", TEXT))
        return
    asked_of, completed = (span.attributes for span in telemetry.spans)
    assert [it["role"] for it in json.loads(asked_of[names.GEN_AI_INPUT_MESSAGES])] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert "sha256" in str(asked_of[names.GEN_AI_INPUT_MESSAGES])
    assert json.loads(asked_of[names.GEN_AI_OUTPUT_MESSAGES]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Hm."},
                {"type": "tool_call", "name": "weather", "arguments": {"city": "Bern"}},
            ],
            "finish_reason": "stop",
        }
    ]
    assert "weather" in str(asked_of[names.GEN_AI_TOOL_DEFINITIONS])
    assert "Be kind." in str(completed[names.GEN_AI_SYSTEM_INSTRUCTIONS])
    assert TEXT in str(completed[names.GEN_AI_OUTPUT_MESSAGES])
