"""Pure: what the API returned -> what it says. Anything may be missing: many servers imitate this API."""

from __future__ import annotations

from functools import partial
from typing import Any

from otelml.instrumentation._genai.openai_api import content
from otelml.instrumentation._genai.openai_api.usage import usage_of
from otelml.instrumentation._genai.reading import text
from otelml.telemetry.genai import NO_USAGE, Answer

_UNFINISHED = ("queued", "in_progress")


def chat(result: Any) -> Answer:
    """Of a chat completion or a legacy completion."""
    choices = getattr(result, "choices", None) or ()
    reasons = [getattr(choice, "finish_reason", None) for choice in choices]
    return Answer(
        text(getattr(result, "model", None)),
        text(getattr(result, "id", None)),
        tuple([reason for reason in reasons if isinstance(reason, str)]),
        usage_of(getattr(result, "usage", None)),
        content=partial(content.of_choices, choices),
    )


def response(result: Any) -> Answer:
    """Of a response."""
    status = text(getattr(result, "status", None))
    failure = getattr(result, "error", None) if status == "failed" else None
    conversation = getattr(result, "conversation", None)
    return Answer(
        text(getattr(result, "model", None)),
        text(getattr(result, "id", None)),
        _reasons(result, status),
        usage_of(getattr(result, "usage", None)),
        status,
        text(getattr(conversation, "id", None)),
        partial(content.of_output, result),
        None if failure is None else text(getattr(failure, "code", None)) or "failed",
    )


def _reasons(result: Any, status: str | None) -> tuple[str, ...]:
    if status is None or status in _UNFINISHED:
        return ()
    if status == "incomplete":
        reason = text(getattr(getattr(result, "incomplete_details", None), "reason", None))
        return ("length" if reason == "max_output_tokens" else reason or status,)
    kinds = {getattr(item, "type", None) for item in getattr(result, "output", None) or ()}
    if kinds & {"function_call", "custom_tool_call"}:
        return ("tool_calls",)
    return ("stop" if status == "completed" else status,)


def fetched(result: Any) -> Answer:
    """Of a response that was made before: its tokens were counted then."""
    return response(result)._replace(usage=NO_USAGE, error=None)


def embeddings(result: Any) -> Answer:
    """Of embeddings."""
    usage = usage_of(getattr(result, "usage", None))
    return Answer(text(getattr(result, "model", None)), usage=usage._replace(output=None))


def other(result: Any) -> Answer:
    """Of anything else: images and transcriptions have tokens, jobs have an id."""
    return Answer(
        text(getattr(result, "model", None)),
        text(getattr(result, "id", None)),
        usage=usage_of(getattr(result, "usage", None)),
    )
