"""Pure: what was said to a model and by it -> OpenTelemetry's messages. Read only where content is wanted.

Nothing is consumed: a value that is no list is named by its type later on, not iterated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otelml.instrumentation._genai.reading import Parts, blob, get, items
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import Content


def of_chat(body: Mapping[str, Any]) -> Content:
    """Of the body of a chat completion."""
    return Content([_chat_message(it) for it in items(body.get("messages"))], tools=body.get("tools"))


def _chat_message(given: Any) -> dict[str, object]:
    role, content = get(given, "role"), get(given, "content")
    if role == "tool":
        return message(role, [part("tool_call_response", id=get(given, "tool_call_id"), response=content)])
    parts = _parts(content)
    parts.extend(_tool_calls(get(given, "tool_calls")))
    return message(role, parts)


def _tool_calls(calls: object) -> Parts:
    found = []
    for call in items(calls):
        function = get(call, "function") or get(call, "custom")
        arguments = get(function, "arguments") or get(function, "input")
        found.append(part("tool_call", id=get(call, "id"), name=get(function, "name"), arguments=arguments))
    return found


def _parts(content: object) -> Parts:
    if content is None:
        return []
    if isinstance(content, (list, tuple)):
        return [_part(it) for it in content]
    return [part("text", content=content)]


def _part(given: Any) -> dict[str, object]:
    if isinstance(given, str):
        return part("text", content=given)
    kind = get(given, "type")
    if kind in ("text", "input_text", "output_text", "refusal"):
        return part("text", content=get(given, "text") or get(given, "refusal"))
    if kind in ("image_url", "input_image"):
        image = get(given, "image_url")
        url = image if isinstance(image, str) or image is None else get(image, "url")
        return part("uri", modality="image", uri=url, file_id=get(given, "file_id"))
    if kind == "input_audio":
        audio = get(given, "input_audio")
        return blob("audio", get(audio, "data"), get(audio, "format"))
    if kind in ("file", "input_file"):
        file = get(given, "file") or given
        return {**blob("document", get(file, "file_data"), get(file, "filename")), "file_id": get(file, "file_id")}
    return part(str(kind), content=given)


def of_completions(body: Mapping[str, Any]) -> Content:
    """Of the body of a legacy completion."""
    prompt = body.get("prompt")
    prompts = items(prompt) if isinstance(prompt, (list, tuple)) else [prompt]
    return Content([message("user", [part("text", content=it)]) for it in prompts])


def of_responses(body: Mapping[str, Any]) -> Content:
    """Of the body of a response."""
    given, instructions = body.get("input"), body.get("instructions")
    if isinstance(given, (list, tuple)):
        messages = [_item(it) for it in given]
    else:
        messages = [] if given is None else [message("user", [part("text", content=given)])]
    return Content(messages, _parts(instructions), body.get("tools"))


def _item(given: Any) -> dict[str, object]:
    kind = get(given, "type")
    if kind in (None, "message"):
        return message(get(given, "role"), _parts(get(given, "content")))
    if kind in ("function_call", "custom_tool_call"):
        arguments = get(given, "arguments") or get(given, "input")
        call = part("tool_call", id=get(given, "call_id"), name=get(given, "name"), arguments=arguments)
        return message("assistant", [call])
    if kind in ("function_call_output", "custom_tool_call_output"):
        answer = part("tool_call_response", id=get(given, "call_id"), response=get(given, "output"))
        return message("tool", [answer])
    if kind == "reasoning":
        texts = [get(it, "text") for it in (*items(get(given, "summary")), *items(get(given, "content")))]
        return message("assistant", [part("reasoning", content=text) for text in texts])
    return message("assistant", [part(str(kind), content=given)])


def of_choices(choices: object) -> list[dict[str, object]]:
    """Of the choices of a chat completion or a legacy completion."""
    found = []
    for choice in items(choices):
        said = get(choice, "message")
        parts = [part("text", content=get(choice, "text"))] if said is None else _said(said)
        found.append(message("assistant", parts, get(choice, "finish_reason")))
    return found


def _said(said: Any) -> Parts:
    parts: Parts = []
    for thought in ("reasoning_content", "reasoning"):  # DeepSeek and vLLM; OpenRouter and Groq
        if isinstance(get(said, thought), str):
            parts.append(part("reasoning", content=get(said, thought)))
            break
    parts.extend(_parts(get(said, "content")))
    if get(said, "refusal"):
        parts.append(part("text", content=get(said, "refusal")))
    parts.extend(_tool_calls(get(said, "tool_calls")))
    return parts


def of_output(response: Any) -> list[dict[str, object]]:
    """Of the output items of a response."""
    return [_item(it) for it in items(get(response, "output"))]
