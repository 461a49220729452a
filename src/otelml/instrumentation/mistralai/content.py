"""Pure: what is said in conversations and fill-in-the-middle -> messages. Read only where content is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otelml.instrumentation._genai.reading import Parts, get, items, texts
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import Content


def of_fim(given: Mapping[str, Any]) -> Content:
    """Of what a model shall fill in."""
    said = texts(given.get("prompt")) + texts(text if isinstance(text := given.get("suffix"), str) else None)
    return Content([message("user", said)])


def of_inputs(given: Mapping[str, Any]) -> Content:
    """Of the inputs of a conversation: a text, or entries."""
    asked, instructions = given.get("inputs"), given.get("instructions")
    if isinstance(asked, (list, tuple)):
        messages = [_entry(it, "user") for it in asked]
    else:
        messages = [] if asked is None else [message("user", texts(asked))]
    return Content(messages, texts(instructions) if isinstance(instructions, str) else [], given.get("tools"))


def of_outputs(outputs: object) -> list[dict[str, object]]:
    """Of the outputs of a conversation."""
    return [_entry(it, "assistant") for it in items(outputs)]


def of_deltas(deltas: Sequence[Any]) -> list[dict[str, object]]:
    """Of the messages of a streamed conversation."""
    said = [it.content for it in deltas]
    whole = "".join(it if isinstance(it, str) else get(it, "text") or "" for it in said)
    return [message("assistant", texts(whole))]


def _entry(given: Any, role: str) -> dict[str, object]:
    kind = get(given, "type")
    if kind == "function.call":
        call = part(
            "tool_call", id=get(given, "tool_call_id"), name=get(given, "name"), arguments=get(given, "arguments")
        )
        return message("assistant", [call])
    if kind == "function.result":
        result = part("tool_call_response", id=get(given, "tool_call_id"), response=get(given, "result"))
        return message("tool", [result])
    if kind == "tool.execution":
        call = part("server_tool_call", id=get(given, "id"), name=get(given, "name"), arguments=get(given, "arguments"))
        return message("assistant", [call])
    return message(get(given, "role") or role, _parts(get(given, "content")))


def _parts(said: object) -> Parts:
    if not isinstance(said, (list, tuple)):
        return texts(said)
    return [
        part("text", content=text)
        if isinstance(text := get(it, "text"), str)
        else part(str(get(it, "type")), content=it)
        for it in said
    ]
