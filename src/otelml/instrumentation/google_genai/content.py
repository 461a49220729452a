"""Pure: what was said to a model and by it -> OpenTelemetry's messages. Read only where content is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otelml.instrumentation._genai.reading import Parts, blob, get, items
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import Content, Message

_ROLES = {"model": "assistant", None: "user"}


def of_request(given: Mapping[str, Any]) -> Content:
    """Of a request."""
    said = [message(_role(get(it, "role")), parts(get(it, "parts"))) for it in items(given.get("contents"))]
    return Content(said, parts(get(given.get("systemInstruction"), "parts")), given.get("tools"))


def _role(role: Any) -> Any:
    return _ROLES.get(role, role)


def of_answers(pieces: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Of the pieces of an answer, whose texts are put together for each candidate."""
    said: dict[Any, Parts] = {}
    reasons: dict[Any, str] = {}
    for piece in pieces:
        for place, candidate in enumerate(items(piece.get("candidates"))):
            number = get(candidate, "index") or place
            found = said.setdefault(number, [])
            for it in parts(get(get(candidate, "content"), "parts")):
                _append(found, it)
            if isinstance(get(candidate, "finishReason"), str):
                reasons[number] = candidate["finishReason"].lower()
    return [message("assistant", found, reasons.get(number)) for number, found in said.items()]


def _append(parts: Parts, new: dict[str, object]) -> None:
    if parts and new["type"] in ("text", "reasoning") and parts[-1]["type"] == new["type"]:
        parts[-1]["content"] = f"{parts[-1]['content']}{new['content']}"
    else:
        parts.append(new)


def parts(given: object) -> Parts:
    """The parts, in OpenTelemetry's form."""
    return [_part(it) for it in items(given)]


def _either(source: Any, camel: str, snake: str) -> Any:
    # The client leaves the names of some fields as Python writes them.
    found = get(source, camel)
    return get(source, snake) if found is None else found


def _part(given: Any) -> dict[str, object]:
    if get(given, "text") is not None:
        return part("reasoning" if get(given, "thought") else "text", content=get(given, "text"))
    data, file = _either(given, "inlineData", "inline_data"), _either(given, "fileData", "file_data")
    if data is not None:
        kind = _either(data, "mimeType", "mime_type")
        return blob(_modality(kind), get(data, "data"), kind)
    if file is not None:
        kind = _either(file, "mimeType", "mime_type")
        return part("uri", modality=_modality(kind), mime_type=kind, uri=_either(file, "fileUri", "file_uri"))
    return _tool(given)


def _tool(given: Any) -> dict[str, object]:
    call = _either(given, "functionCall", "function_call")
    if call is not None:
        return part("tool_call", id=get(call, "id"), name=get(call, "name"), arguments=get(call, "args"))
    result = _either(given, "functionResponse", "function_response")
    if result is not None:
        id_ = get(result, "id") or get(result, "name")
        return part("tool_call_response", id=id_, response=get(result, "response"))
    return part(str(next(iter(given), "unknown")) if isinstance(given, Mapping) else "unknown", content=given)


def _modality(mime_type: object) -> str:
    kind = str(mime_type).partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"
