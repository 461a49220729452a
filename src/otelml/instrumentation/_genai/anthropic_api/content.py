"""Pure: what was said to a model and by it -> OpenTelemetry's messages. Read only where content is wanted.

Nothing is consumed: a value that is no list is named by its type later on, not iterated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otelml.instrumentation._genai.reading import Parts, blob, get, items, texts
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import Content

_MODALITIES = {"image": "image", "document": "document"}


def of_request(body: Mapping[str, Any]) -> Content:
    """Of a request for a message."""
    said = [message(get(it, "role"), parts(get(it, "content"))) for it in items(body.get("messages"))]
    return Content(said, parts(body.get("system")), body.get("tools"))


def of_answer(blocks: object, reason: object) -> list[dict[str, object]]:
    """Of the blocks of a message."""
    return [message("assistant", parts(blocks), reason)]


def parts(content: object) -> Parts:
    """The parts that a content is: a text, or a list of blocks."""
    return [_part(block) for block in content] if isinstance(content, (list, tuple)) else texts(content)


def _part(block: Any) -> dict[str, object]:
    kind = get(block, "type")
    if kind == "text":
        return part("text", content=get(block, "text"))
    if kind == "thinking":
        return part("reasoning", content=get(block, "thinking"))
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        return part("tool_call", id=get(block, "id"), name=get(block, "name"), arguments=get(block, "input"))
    if kind == "tool_result":
        return _tool_result(block)
    if kind in _MODALITIES:
        return _file(_MODALITIES[kind], get(block, "source"))
    return part(str(kind), content=block)


def _tool_result(block: Any) -> dict[str, object]:
    said = get(block, "content")
    response = parts(said) if isinstance(said, (list, tuple)) else said
    return part("tool_call_response", id=get(block, "tool_use_id"), response=response)


def _file(modality: str, source: Any) -> dict[str, object]:
    kind = get(source, "type")
    if kind == "base64":
        return blob(modality, get(source, "data"), get(source, "media_type"))
    if kind == "text":
        return part("text", content=get(source, "data"))
    return part("uri", modality=modality, uri=get(source, "url"), file_id=get(source, "file_id"))
