"""Token counts of OpenAI's API, in its two forms, and as the servers that imitate it give them."""

from __future__ import annotations

from typing import Any

from otelml.instrumentation._genai.reading import count
from otelml.telemetry.genai import NO_USAGE, TokenUsage


def usage_of(usage: Any) -> TokenUsage:
    """The tokens of a `usage` object: of chat completions, completions and embeddings, or of responses and images."""
    if usage is None:
        return NO_USAGE
    taken = count(getattr(usage, "prompt_tokens", None))
    if taken is None:
        return _of_response(usage)
    returned = count(getattr(usage, "completion_tokens", None))
    details = getattr(usage, "prompt_tokens_details", None)
    given = getattr(usage, "completion_tokens_details", None)
    if details is None and given is None:
        return TokenUsage(taken, returned, _of_deepseek(usage))
    return TokenUsage(
        taken,
        returned,
        count(getattr(details, "cached_tokens", None)),
        count(getattr(details, "cache_write_tokens", None)),
        count(getattr(given, "reasoning_tokens", None)),
        count(getattr(details, "audio_tokens", None)),
        count(getattr(given, "audio_tokens", None)),
    )


def _of_deepseek(usage: Any) -> int | None:
    # Not `getattr`: what a model of pydantic lacks costs a microsecond to ask for.
    extra = getattr(usage, "model_extra", None)
    return count(extra.get("prompt_cache_hit_tokens")) if extra else None


def _of_response(usage: Any) -> TokenUsage:
    details = getattr(usage, "input_tokens_details", None) or getattr(usage, "input_token_details", None)
    given = getattr(usage, "output_tokens_details", None)
    return TokenUsage(
        count(getattr(usage, "input_tokens", None)),
        count(getattr(usage, "output_tokens", None)),
        count(getattr(details, "cached_tokens", None)),
        count(getattr(details, "cache_write_tokens", None)),
        count(getattr(given, "reasoning_tokens", None)),
        count(getattr(details, "audio_tokens", None)),
        None,
    )
