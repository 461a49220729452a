"""Prompts and answers: off by default; where they are wanted, redacted, bounded, and never taken from the request."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from otelml.semconv import attributes as names
from otelml.telemetry.genai import hooks
from tests.instrumentation.openai.conftest import Switch
from tests.support.fakes.http import Reply, sse
from tests.support.fakes.openai import TEXT, FakeOpenAI, chat, chunk
from tests.support.telemetry import Telemetry

IN, OUT = names.GEN_AI_INPUT_MESSAGES, names.GEN_AI_OUTPUT_MESSAGES
DETAILS = "gen_ai.client.inference.operation.details"
MESSAGES: list[Any] = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Call 555-1234."}]
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


def ask(client: Any, **changes: Any) -> Any:
    """A chat completion."""
    return client.chat.completions.create(**{"model": "m", "messages": MESSAGES, **changes})


def told(telemetry: Telemetry, attribute: str) -> Any:
    """Content of the only span."""
    return json.loads(telemetry.span().attributes[attribute])


@pytest.mark.usefixtures("instrumented")
def test_nothing_is_told_by_default(client: Any, telemetry: Telemetry) -> None:
    """No attribute of the span has a word of the request or the answer, and there is no event."""
    ask(client)

    assert "555" not in str(telemetry.span().attributes)
    assert TEXT not in str(telemetry.span().attributes)
    assert telemetry.events == []


def test_content_on_spans_by_the_variable(
    client: Any, api: FakeOpenAI, switch_on: Switch, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenTelemetry's variable puts messages, tools and answers on the span, in its form."""
    monkeypatch.setenv(CAPTURE, "SPAN_ONLY")
    switch_on()
    call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"a": 1}'}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": "tool_calls"}
    api.reply("/v1/chat/completions", Reply(body=chat(choices=[choice])))
    tool: Any = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
    history = [*MESSAGES, said, {"role": "tool", "tool_call_id": "call_1", "content": "42"}]

    ask(client, messages=history, tools=[tool])

    assert told(telemetry, IN) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be kind."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Call 555-1234."}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "call_1", "name": "look_up", "arguments": '{"a": 1}'}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "42"}]},
    ]
    assert told(telemetry, OUT)[0]["parts"][0]["name"] == "look_up"
    assert told(telemetry, OUT)[0]["finish_reason"] == "tool_calls"
    assert told(telemetry, names.GEN_AI_TOOL_DEFINITIONS) == [tool]
    assert telemetry.events == []


@pytest.mark.parametrize("mode", ["event_only", "span_and_event"])
def test_content_on_events(client: Any, switch_on: Switch, telemetry: Telemetry, mode: str) -> None:
    """The event has content as structured values, and belongs to the span."""
    switch_on(genai_content=mode)

    ask(client)

    event, span = telemetry.event(DETAILS), telemetry.span()
    assert event.attributes[OUT][0]["parts"][0]["content"] == TEXT
    assert event.attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 19
    assert event.span_id == span.span_id
    assert (IN in span.attributes) == (mode == "span_and_event")


def test_content_of_streams_and_responses(
    client: Any, api: FakeOpenAI, switch_on: Switch, telemetry: Telemetry
) -> None:
    """Streamed texts and tool calls are put together; responses have instructions and output items."""
    switch_on(genai_content="span_only")
    pieces = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"a":'}},
        {"index": 0, "function": {"arguments": " 1}"}},
    ]
    stream = [chunk({"content": "Let"}), chunk({"content": " me"}), *(chunk({"tool_calls": [it]}) for it in pieces)]
    api.reply("/v1/chat/completions", sse(*stream, chunk({}, "tool_calls")))

    list(ask(client, stream=True))
    client.responses.create(model="r", input="Hello", instructions="Be kind.")

    streamed, response = (span.attributes for span in telemetry.spans)
    assert json.loads(streamed[OUT]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "text", "content": "Let me"},
                {"type": "tool_call", "id": "call_1", "name": "look_up", "arguments": '{"a": 1}'},
            ],
            "finish_reason": "tool_calls",
        }
    ]
    assert json.loads(response[names.GEN_AI_SYSTEM_INSTRUCTIONS]) == [{"type": "text", "content": "Be kind."}]
    assert json.loads(response[OUT])[0]["parts"] == [{"type": "text", "content": TEXT}]


def test_redaction_by_pattern_and_function(client: Any, switch_on: Switch, telemetry: Telemetry) -> None:
    """Patterns and functions see every text, of requests and of answers."""
    switch_on(
        genai_content="span_only",
        genai_redact=(r"\d{3}-\d{4}",),
        genai_redactors=(lambda text: text.replace("kind", "****"),),
    )

    ask(client)

    assert [it["parts"][0]["content"] for it in told(telemetry, IN)] == ["Be ****.", "Call [REDACTED]."]


def test_a_pattern_that_begins_before_the_cut_is_redacted(client: Any, switch_on: Switch, telemetry: Telemetry) -> None:
    """A text is cut after it was redacted, so that no half of a secret stays."""
    switch_on(genai_content="span_only", genai_content_length=100, genai_redact=("secret-a{200}",))

    ask(client, messages=[{"role": "user", "content": "x" * 35 + "secret-" + "a" * 200}])

    assert "secret" not in telemetry.span().attributes[IN]


def test_long_and_binary_content_is_bounded(client: Any, switch_on: Switch, telemetry: Telemetry) -> None:
    """A million characters are cut, and an image and a sound are named by type, size and digest."""
    switch_on(genai_content="span_only")
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 9000}}
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    link = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    content = [{"type": "text", "text": "word " * 200_000}, image, sound, link, {"type": "text", "text": "The end."}]

    ask(client, messages=[{"role": "user", "content": content}])

    text, picture, audio, linked, last = told(telemetry, IN)[0]["parts"]
    assert len(telemetry.span().attributes[IN]) < 40_000
    assert text["content"].endswith("... [1000000 characters]")
    assert picture["uri"].startswith("[image/png, 99022 bytes, sha256 ")
    assert "UklGRg" not in str(audio)
    assert (audio["modality"], audio["mime_type"]) == ("audio", "wav")
    assert linked["uri"] == "https://example.org/a.png"
    assert last["content"] == "The end."


@pytest.mark.parametrize("content", ["no_content", "span_and_event"])
def test_generators_in_a_request_are_not_drained(
    client: Any, api: FakeOpenAI, switch_on: Switch, telemetry: Telemetry, content: str
) -> None:
    """Messages and tools from generators arrive whole, which official 1.3b0, OpenLLMetry and others empty."""
    switch_on(genai_content=content)
    tools: Any = [{"type": "function", "function": {"name": f"tool{number}"}} for number in range(2)]

    def given(items: list[Any]) -> Iterator[Any]:
        yield from items

    ask(client, messages=given(MESSAGES), tools=given(tools))

    assert api.asked[0].body["messages"] == MESSAGES
    assert api.asked[0].body["tools"] == tools
    if content != "no_content":
        assert len(told(telemetry, IN)) == 2


def test_values_that_are_no_json_survive(client: Any, api: FakeOpenAI, switch_on: Switch, telemetry: Telemetry) -> None:
    """A datetime in a tool, which the client can send, is content like any other (official 1.3b0 breaks the call)."""
    switch_on(genai_content="span_and_event")
    when = datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc)
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": {"d": when, "n": float("inf")}}}
    tool["function"]["parameters"].pop("n")

    assert ask(client, tools=[tool]).choices
    assert list(ask(client, tools=[tool], stream=True))

    assert "2026-11-22" in str(api.asked[0].body["tools"])
    for span in telemetry.spans:
        found = json.loads(span.attributes[names.GEN_AI_TOOL_DEFINITIONS])
        assert found[0]["function"]["parameters"]["d"] == "2026-11-22T00:00:00+00:00"


def test_a_redactor_that_raises_costs_the_content_only(
    client: Any, contained_faults: None, switch_on: Switch, telemetry: Telemetry
) -> None:
    """The application has its answer, the span its tokens, and nothing was told unredacted."""

    def broken(text: str) -> str:
        raise ValueError(text)

    switch_on(genai_content="span_only", genai_redactors=(broken,))

    assert ask(client).choices

    assert IN not in telemetry.span().attributes
    assert telemetry.span().attributes[names.GEN_AI_USAGE_INPUT_TOKENS] == 19


def test_a_completion_hook_takes_the_content(
    client: Any, switch_on: Switch, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hook that the variable names is given dataclasses of all content, redacted, and the span."""
    calls: list[dict[str, Any]] = []

    class Hook:
        def on_completion(self, **given: Any) -> None:
            calls.append(given)
            given["span"].set_attribute("app.reference", "s3://bucket/1")

    monkeypatch.setenv(hooks.HOOK, "tests")
    monkeypatch.setitem(hooks._loaded, "tests", Hook())
    telemetry.allow("app.*")
    switch_on(genai_redact=("555",))

    ask(client)

    (given,) = calls
    assert [asdict(it)["parts"][0]["content"] for it in given["inputs"]] == ["Be kind.", "Call [REDACTED]-1234."]
    assert asdict(given["outputs"][0])["finish_reason"] == "stop"
    assert telemetry.span().attributes["app.reference"] == "s3://bucket/1"
    assert IN not in telemetry.span().attributes


def test_a_hook_that_is_not_there_is_said(
    client: Any,
    contained_faults: None,
    switch_on: Switch,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A name that no package has is logged with those there are, and everything else works."""
    monkeypatch.setenv(hooks.HOOK, "nowhere")
    switch_on()

    ask(client)

    assert "'nowhere' is not installed" in caplog.text
    assert telemetry.span().status == "UNSET"
