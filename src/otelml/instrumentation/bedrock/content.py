"""Pure: what was said to a model and by it, in the form of the Converse API -> OpenTelemetry's messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otelml.instrumentation._genai.reading import Parts, blob, get, items
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import Content

_FILES = ("image", "document", "video", "audio")


def of_request(given: Mapping[str, Any]) -> Content:
    """Of a request."""
    said = [message(get(it, "role"), parts(get(it, "content"))) for it in items(given.get("messages"))]
    return Content(said, parts(given.get("system")), get(given.get("toolConfig"), "tools"))


def of_answer(blocks: object, reason: object) -> list[dict[str, object]]:
    """Of the blocks of an answer."""
    return [message("assistant", parts(blocks), reason)]


def parts(blocks: object) -> Parts:
    """The parts that blocks are."""
    return [_part(block) for block in items(blocks)]


def tool_call(tool: Any, arguments: object) -> dict[str, object]:
    """The part for the call of a tool."""
    return part("tool_call", id=get(tool, "toolUseId"), name=get(tool, "name"), arguments=arguments)


def _part(block: Any) -> dict[str, object]:
    kind = next(iter(block), "unknown") if isinstance(block, Mapping) else "unknown"
    value = get(block, kind)
    if kind == "text":
        return part("text", content=value)
    if kind == "reasoningContent":
        return part("reasoning", content=get(get(value, "reasoningText"), "text"))
    if kind == "toolUse":
        return tool_call(value, get(value, "input"))
    if kind == "toolResult":
        return part("tool_call_response", id=get(value, "toolUseId"), response=parts(get(value, "content")))
    if kind in _FILES:
        return _file(kind, value)
    return part(kind, content=value)


def _file(modality: str, value: Any) -> dict[str, object]:
    source = get(value, "source")
    uri = get(get(source, "s3Location"), "uri")
    if uri is not None:
        return part("uri", modality=modality, uri=uri)
    if get(source, "bytes") is None:
        return part("text", content=get(source, "text"))
    return blob(modality, get(source, "bytes"), get(value, "format"))
