"""Prompts and answers: off by default, in OpenTelemetry's form where they are wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.support.fakes.anthropic import (
    PATH,
    TEXT,
    TOOL_USE,
    FakeAnthropic,
    block,
    end,
    events,
    message,
    said,
    start,
    text,
)
from tests.support.fakes.http import Reply
from tests.support.genai import Switch
from tests.support.telemetry import Telemetry

IN, OUT = names.GEN_AI_INPUT_MESSAGES, names.GEN_AI_OUTPUT_MESSAGES
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
MESSAGES: list[Any] = [
    {"role": "user", "content": [{"type": "text", "text": "Where is A1?"}, IMAGE]},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, TOOL_USE]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [text("On its way")]}]},
]
TOOL = {"name": "look_up", "input_schema": {"type": "object"}}


def ask(client: Any, **changes: Any) -> Any:
    """A message."""
    return client.messages.create(**{"model": "m", "max_tokens": 9, "messages": MESSAGES, **changes})


def told(telemetry: Telemetry, attribute: str) -> Any:
    """Content of the only span."""
    return json.loads(telemetry.span().attributes[attribute])


@pytest.mark.usefixtures("instrumented")
def test_nothing_is_told_by_default(client: Any, telemetry: Telemetry) -> None:
    """No attribute of a span has a word of the request or the answer, and there is no event."""
    ask(client)
    list(ask(client, stream=True))

    for span in telemetry.spans:
        assert "A1" not in str(span.attributes)
        assert TEXT not in str(span.attributes)
    assert telemetry.events == []


def test_content_of_requests_and_answers(
    client: Any, api: FakeAnthropic, switch_on: Switch, telemetry: Telemetry
) -> None:
    """Texts, thoughts, images, tool calls and their results are parts; images are named, not told."""
    switch_on(genai_content="span_only")
    api.reply(PATH, Reply(body=message(text("One moment."), TOOL_USE, stop_reason="tool_use")))

    ask(client, system=[{"type": "text", "text": "Be kind."}], tools=[TOOL])

    asked, thought, result = told(telemetry, IN)
    assert asked["parts"][0] == {"type": "text", "content": "Where is A1?"}
    assert asked["parts"][1]["content"].startswith("[binary, 12 bytes")
    assert asked["parts"][1]["mime_type"] == "image/png"
    call = {"type": "tool_call", "id": "toolu_1", "name": "look_up", "arguments": {"order": "A1"}}
    assert thought["parts"] == [{"type": "reasoning", "content": "Hm."}, call]
    response = [{"type": "text", "content": "On its way"}]
    assert result["parts"] == [{"type": "tool_call_response", "id": "toolu_1", "response": response}]
    answered = [{"type": "text", "content": "One moment."}, call]
    assert told(telemetry, OUT) == [{"role": "assistant", "parts": answered, "finish_reason": "tool_use"}]
    assert told(telemetry, names.GEN_AI_SYSTEM_INSTRUCTIONS) == [{"type": "text", "content": "Be kind."}]
    assert told(telemetry, names.GEN_AI_TOOL_DEFINITIONS) == [TOOL]


def test_content_of_streams(client: Any, api: FakeAnthropic, switch_on: Switch, telemetry: Telemetry) -> None:
    """Streamed texts, thoughts and the input of tools are put together."""
    switch_on(genai_content="span_only")
    thoughts = [{"type": "thinking_delta", "thinking": it} for it in ("Let me", " see.")]
    pieces = [{"type": "input_json_delta", "partial_json": it} for it in ('{"order":', ' "A1"}')]
    blocks = [
        *block(0, {"type": "thinking", "thinking": "", "signature": ""}, *thoughts),
        *said(1, "One", " moment."),
        *block(2, {**TOOL_USE, "input": {}}, *pieces),
    ]
    api.reply(PATH, events(start(), *blocks, *end("tool_use")))

    list(ask(client, stream=True))

    assert told(telemetry, OUT) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Let me see."},
                {"type": "text", "content": "One moment."},
                {"type": "tool_call", "id": "toolu_1", "name": "look_up", "arguments": '{"order": "A1"}'},
            ],
            "finish_reason": "tool_use",
        }
    ]


@pytest.mark.parametrize("content", ["no_content", "span_and_event"])
def test_generators_in_a_request_are_not_drained(
    client: Any, api: FakeAnthropic, switch_on: Switch, telemetry: Telemetry, content: str
) -> None:
    """Messages and tools from generators arrive whole."""
    switch_on(genai_content=content)

    def given(items: list[Any]) -> Iterator[Any]:
        yield from items

    ask(client, messages=given(MESSAGES), tools=given([TOOL]))

    assert len(api.asked[0].body["messages"]) == 3
    assert api.asked[0].body["tools"] == [TOOL]
