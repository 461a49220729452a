"""Pure: what Cohere's API returned -> what it says. It has counts as floats, and names no model."""

from __future__ import annotations

from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import text, whole
from otelml.instrumentation.cohere import content
from otelml.telemetry.genai import NO_USAGE, Answer, TokenUsage


def usage_of(usage: Any) -> TokenUsage:
    """The tokens of a `usage`, or of a `meta` of the API's first version; the billed ones where it has no others."""
    for name in ("tokens", "billed_units"):
        counts = getattr(usage, name, None)
        taken = whole(getattr(counts, "input_tokens", None))
        returned = whole(getattr(counts, "output_tokens", None))
        if taken is not None or returned is not None:
            return TokenUsage(taken, returned, whole(getattr(usage, "cached_tokens", None)))
    return NO_USAGE


def reasons_of(result: Any) -> tuple[str, ...]:
    """The finish reason of an answer or of the end of a stream."""
    reason = text(getattr(result, "finish_reason", None))
    return () if reason is None else (reason,)


def chat(result: Any) -> Answer:
    """Of a chat."""
    return Answer(
        id=text(getattr(result, "id", None)),
        finish_reasons=reasons_of(result),
        usage=usage_of(getattr(result, "usage", None)),
        content=partial(content.of_answer, getattr(result, "message", None), reasons_of(result)),
    )


def old_chat(result: Any) -> Answer:
    """Of a chat of the API's first version."""
    return Answer(
        id=text(getattr(result, "response_id", None)) or text(getattr(result, "generation_id", None)),
        finish_reasons=reasons_of(result),
        usage=usage_of(getattr(result, "meta", None)),
        content=partial(content.of_old_answer, result, reasons_of(result)),
    )


def embedded(result: Any) -> Answer:
    """Of embeddings."""
    usage = usage_of(getattr(result, "meta", None))
    return Answer(usage=usage._replace(output=None))


def reranked(result: Any) -> Answer:
    """Of documents in another order; they are charged by the search."""
    return Answer(id=text(getattr(result, "id", None)))
