"""Pure: what was said to a model and by it -> OpenTelemetry's messages. Read only where content is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otelml.instrumentation._genai.openai_api import content as openai_content
from otelml.instrumentation._genai.reading import Parts, get, items, texts
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import Content


def of_chat(given: Mapping[str, Any]) -> Content:
    """Of the arguments of a chat, whose messages have OpenAI's form."""
    return openai_content.of_chat(given)


def of_old_chat(given: Mapping[str, Any]) -> Content:
    """Of the arguments of a chat of the API's first version."""
    history = [
        message(str(get(it, "role")).lower(), texts(get(it, "message"))) for it in items(given.get("chat_history"))
    ]
    asked = message("user", texts(given.get("message")))
    return Content([*history, asked], texts(given.get("preamble")), given.get("tools"))


def of_answer(said: Any, reasons: Sequence[str]) -> list[dict[str, object]]:
    """Of the message of a chat."""
    plan = get(said, "tool_plan")
    parts: Parts = [part("reasoning", content=plan)] if plan else []
    for it in items(get(said, "content")):
        thought = get(it, "thinking")
        parts.append(part("text", content=get(it, "text")) if thought is None else part("reasoning", content=thought))
    for call in items(get(said, "tool_calls")):
        function = get(call, "function")
        parts.append(
            part("tool_call", id=get(call, "id"), name=get(function, "name"), arguments=get(function, "arguments"))
        )
    return [message("assistant", parts, next(iter(reasons), None))]


def of_old_answer(result: Any, reasons: Sequence[str]) -> list[dict[str, object]]:
    """Of an answer of the API's first version."""
    calls = items(get(result, "tool_calls"))
    parts = [part("tool_call", name=get(it, "name"), arguments=get(it, "parameters")) for it in calls]
    return [message("assistant", [*texts(get(result, "text")), *parts], next(iter(reasons), None))]


def of_events(events: Sequence[Any], reasons: Sequence[str]) -> list[dict[str, object]]:
    """Of the events of a streamed chat."""
    spoken: dict[str, list[str]] = {"thinking": [], "text": []}
    calls: dict[int, dict[str, Any]] = {}
    for event in events:
        said = get(get(event, "delta"), "message")
        for kind, pieces in spoken.items():
            pieces.append(get(get(said, "content"), kind) or "")
        spoken["thinking"].append(get(said, "tool_plan") or "")
        _add_call(calls, event, get(said, "tool_calls"))
    thoughts, told = ("".join(pieces) for pieces in spoken.values())
    parts: Parts = [part("reasoning", content=thoughts)] if thoughts else []
    parts += texts(told) + [part("tool_call", **calls[index]) for index in sorted(calls)]
    return [message("assistant", parts, next(iter(reasons), None))]


def _add_call(calls: dict[int, dict[str, Any]], event: Any, piece: Any) -> None:
    if piece is None:
        return
    function = get(piece, "function")
    call = calls.setdefault(get(event, "index") or 0, {"id": None, "name": None, "arguments": ""})
    call["id"] = get(piece, "id") or call["id"]
    call["name"] = get(function, "name") or call["name"]
    call["arguments"] += get(function, "arguments") or ""
