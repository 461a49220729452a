"""Pure: the body of a request for a message -> what is asked; a message -> what it says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.anthropic_api import content
from otelml.instrumentation._genai.reading import count, get, scalars, text, words
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.genai import NO_USAGE, Answer, Request, TokenUsage

_FIELDS = {
    "max_tokens": "max_tokens",
    "stream": "stream",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
}
_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def request(body: Mapping[str, Any]) -> Request:
    """Of a request for a message."""
    fields = scalars(body, _FIELDS)
    stop = words(body.get("stop_sequences"))
    if stop:
        fields["stop_sequences"] = stop
    config = body.get("output_config")
    effort = text(get(config, "effort"))
    if effort is not None:
        fields["reasoning_level"] = effort
    # `output_format` is the earlier form of `output_config.format`, of the beta API.
    if "json_schema" in (get(get(config, "format"), "type"), get(body.get("output_format"), "type")):
        fields["output_type"] = Outputs.JSON
    return Request(Operations.CHAT, text(body.get("model")), fields)


def answer(result: Any) -> Answer:
    """Of a message."""
    reason = text(getattr(result, "stop_reason", None))
    return Answer(
        text(getattr(result, "model", None)),
        text(getattr(result, "id", None)),
        () if reason is None else (reason,),
        usage_of(counts_of(getattr(result, "usage", None))),
        content=partial(content.of_answer, getattr(result, "content", None), reason),
    )


def counts_of(usage: Any) -> dict[str, int]:
    """The counts that a `usage` object has; of a stream, later ones replace earlier ones."""
    if usage is None:
        return {}
    found = {name: number for name in _COUNTS if (number := count(getattr(usage, name, None))) is not None}
    thinking = count(getattr(getattr(usage, "output_tokens_details", None), "thinking_tokens", None))
    if thinking is not None:
        found["thinking_tokens"] = thinking
    return found


def usage_of(counts: Mapping[str, int]) -> TokenUsage:
    """The tokens: Anthropic counts what was read from the cache, or written to it, apart from the other input."""
    if not counts:
        return NO_USAGE
    taken, read, written = (counts.get(name) for name in (_COUNTS[0], *_COUNTS[2:]))
    if taken is not None:
        taken += (read or 0) + (written or 0)
    return TokenUsage(taken, counts.get("output_tokens"), read, written, counts.get("thinking_tokens"))
