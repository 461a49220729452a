"""Pure: what was said to a model and by it -> OpenTelemetry's messages. Read only where content is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otelml.instrumentation._genai.reading import Parts, blob, get, items, texts
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import Content


def of_chat(body: Mapping[str, Any]) -> Content:
    """Of the body of a chat."""
    return Content([_message(it) for it in items(body.get("messages"))], tools=body.get("tools"))


def of_generate(body: Mapping[str, Any]) -> Content:
    """Of the body of a generation."""
    parts = texts(body.get("prompt")) + _images(body.get("images"))
    return Content([message("user", parts)], texts(body.get("system")))


def of_chunks(chunks: Sequence[Any], reason: str | None) -> list[dict[str, object]]:
    """Of the chunks of an answer, in their order; a whole answer is one."""
    said = [get(chunk, "message") or chunk for chunk in chunks]
    thoughts = "".join(get(it, "thinking") or "" for it in said)
    spoken = "".join(get(it, "content") or get(it, "response") or "" for it in said)
    parts = [part("reasoning", content=thoughts)] if thoughts else []
    parts += texts(spoken)
    for it in said:
        parts += _tool_calls(get(it, "tool_calls"))
    return [message("assistant", parts, reason)]


def _message(given: Any) -> dict[str, object]:
    role, said = get(given, "role"), get(given, "content")
    if role == "tool":
        return message(role, [part("tool_call_response", id=get(given, "tool_name"), response=said)])
    thought = get(given, "thinking")
    parts = [part("reasoning", content=thought)] if thought else []
    return message(role, parts + texts(said) + _images(get(given, "images")) + _tool_calls(get(given, "tool_calls")))


def _images(images: object) -> Parts:
    return [blob("image", image) for image in items(images)]


def _tool_calls(calls: object) -> Parts:
    functions = [get(call, "function") for call in items(calls)]
    return [part("tool_call", name=get(it, "name"), arguments=get(it, "arguments")) for it in functions]
