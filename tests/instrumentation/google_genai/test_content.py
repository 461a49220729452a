"""Prompts and answers: off by default, in OpenTelemetry's form where they are wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.support.fakes.google_genai import CALL, TEXT, FakeGoogle, candidate, generated
from tests.support.fakes.http import Reply, sse
from tests.support.genai import Switch
from tests.support.telemetry import Telemetry

IN, OUT = names.GEN_AI_INPUT_MESSAGES, names.GEN_AI_OUTPUT_MESSAGES
ASK: dict[str, Any] = {"model": "gemini-3-flash", "contents": "Where is A1?"}
PATH = "/v1beta/models/gemini-3-flash:generateContent"
TOLD_CALL = {"type": "tool_call", "id": "call_1", "name": "look_up", "arguments": {"order": "A1"}}


def told(telemetry: Telemetry, attribute: str) -> Any:
    """Content of the only span."""
    return json.loads(telemetry.span().attributes[attribute])


@pytest.mark.usefixtures("instrumented")
def test_nothing_is_told_by_default(client: Any, telemetry: Telemetry) -> None:
    """No attribute of a span has a word of the request or the answer, and there is no event."""
    client.models.generate_content(**ASK)
    list(client.models.generate_content_stream(**ASK))

    for span in telemetry.spans:
        assert "A1" not in str(span.attributes)
        assert TEXT not in str(span.attributes)
    assert telemetry.events == []


def test_content_of_requests_and_answers(client: Any, api: FakeGoogle, switch_on: Switch, telemetry: Telemetry) -> None:
    """Texts, thoughts, images, files, calls of functions and their results are parts; images are named, not told."""
    from google.genai import types

    switch_on(genai_content="span_only")
    api.reply(PATH, Reply(body=generated(candidate({"text": "Hm.", "thought": True}, {"text": "One moment."}, CALL))))
    image = types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png")
    file = types.Part.from_uri(file_uri="https://example.org/a.pdf", mime_type="application/pdf")
    result = types.Part.from_function_response(name="look_up", response={"status": "On its way"})
    call = types.Part(function_call=types.FunctionCall(id="call_1", name="look_up", args={"order": "A1"}))
    declared = types.Tool(function_declarations=[types.FunctionDeclaration(name="look_up")])

    client.models.generate_content(
        model="gemini-3-flash",
        contents=[
            types.Content(role="user", parts=[types.Part(text="Where is A1?"), image, file]),
            types.Content(role="model", parts=[call]),
            types.Content(role="user", parts=[result]),
        ],
        config={"system_instruction": "Be kind.", "tools": [declared]},
    )

    asked, called, answered = told(telemetry, IN)
    text, picture, link = asked["parts"]
    assert (asked["role"], text) == ("user", {"type": "text", "content": "Where is A1?"})
    assert picture["mime_type"] == "image/png"
    assert picture["content"].startswith("[binary, ")
    assert (link["modality"], link["uri"]) == ("document", "https://example.org/a.pdf")
    assert called == {"role": "assistant", "parts": [TOLD_CALL]}
    response = {"type": "tool_call_response", "id": "look_up", "response": {"status": "On its way"}}
    assert answered["parts"] == [response]
    (said,) = told(telemetry, OUT)
    thought = {"type": "reasoning", "content": "Hm."}
    assert said["parts"] == [thought, {"type": "text", "content": "One moment."}, TOLD_CALL]
    assert said["finish_reason"] == "stop"
    assert told(telemetry, names.GEN_AI_SYSTEM_INSTRUCTIONS) == [{"type": "text", "content": "Be kind."}]
    assert "look_up" in str(told(telemetry, names.GEN_AI_TOOL_DEFINITIONS))


def test_content_of_streams(client: Any, api: FakeGoogle, switch_on: Switch, telemetry: Telemetry) -> None:
    """Streamed texts are put together for each candidate."""
    switch_on(genai_content="span_only")
    pieces = [
        generated(candidate({"text": "Hel"}, reason=None), candidate({"text": "Good"}, reason=None, index=1)),
        generated(candidate({"text": "lo"}, CALL)),
        generated(candidate({"text": "bye"}, reason="MAX_TOKENS", index=1)),
    ]
    api.reply("/v1beta/models/gemini-3-flash:streamGenerateContent", sse(*pieces, done=False))

    list(client.models.generate_content_stream(**ASK))

    assert told(telemetry, OUT) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello"}, TOLD_CALL], "finish_reason": "stop"},
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "Goodbye"}],
            "finish_reason": "max_tokens",
        },
    ]
