"""Pure: the text that a chunk of a stream adds, for counting its tokens."""

from __future__ import annotations

from typing import Any

from otelml.instrumentation._genai.reading import get, items

_DELTAS = ("content", "reasoning_content", "reasoning", "refusal")


def said_in_chunk(chunk: Any) -> str | None:
    """Of a chunk of a chat completion or a legacy completion: its texts, thoughts and the arguments of its tools."""
    found: list[Any] = []
    for choice in getattr(chunk, "choices", None) or ():
        delta = getattr(choice, "delta", None)
        if delta is None:
            found.append(getattr(choice, "text", None))
            continue
        found += [get(delta, name) for name in _DELTAS]
        for call in items(get(delta, "tool_calls")):
            function = get(call, "function")
            found += [get(function, "name"), get(function, "arguments")]
    return "".join([text for text in found if isinstance(text, str)]) or None


_EVENTS = frozenset(
    f"response.{kind}.delta"
    for kind in (
        "output_text",
        "refusal",
        "reasoning_text",
        "reasoning_summary_text",
        "function_call_arguments",
        "custom_tool_call_input",
    )
)


def said_in_event(event: Any) -> str | None:
    """Of an event of a response."""
    delta = event.delta if getattr(event, "type", None) in _EVENTS else None
    return delta if isinstance(delta, str) else None
