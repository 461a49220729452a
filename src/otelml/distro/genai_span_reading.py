"""Reads a finished span of any GenAI instrumentation into what otelml knows of its own calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from otelml.observations.genai import GenAICall, TokenUsage
from otelml.semconv import attributes as names

_OTHER = "_OTHER"


def _joined(name: str) -> str:
    # OpenLLMetry (0.62) joins the words that the convention separates: `cache_read_input_tokens`.
    head, usage, rest = name.partition("usage.")
    return head + usage + rest.replace(".", "_")


_INPUT = (names.GEN_AI_USAGE_INPUT_TOKENS, names.GEN_AI_USAGE_PROMPT_TOKENS)
_OUTPUT = (names.GEN_AI_USAGE_OUTPUT_TOKENS, names.GEN_AI_USAGE_COMPLETION_TOKENS)
_CACHE_READ = (
    names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
    _joined(names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
)
_CACHE_WRITE = (
    names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
    _joined(names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS),
)
_REASONING = (names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, names.GEN_AI_USAGE_REASONING_TOKENS)
_AUDIO_INPUT = (names.GEN_AI_USAGE_AUDIO_INPUT_TOKENS,)
_AUDIO_OUTPUT = (names.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,)
# The spans that Anthropic's own client makes (2.12) have a name of its own for it.
_FINISH_REASONS = (names.GEN_AI_RESPONSE_FINISH_REASONS, "anthropic.message.stop_reason")
_PROVIDER = (names.GEN_AI_PROVIDER_NAME, names.GEN_AI_SYSTEM)


def operation_of(attributes: Mapping[str, Any]) -> str | None:
    """The GenAI operation of a span; None where it is none."""
    operation = attributes.get(names.GEN_AI_OPERATION_NAME)
    return operation if isinstance(operation, str) else None


def operation_of_span(span: ReadableSpan) -> str | None:
    """The GenAI operation of a span that may be none, as nearly all are."""
    # What a span of the SDK (1.45) gives out as attributes takes a lock to be tested, and an exception to miss a key.
    held = getattr(getattr(span, "_attributes", None), "_dict", None)
    return operation_of(span.attributes or {} if held is None else held)


def has_usage(attributes: Mapping[str, Any]) -> bool:
    """Whether a span tells the tokens of its call."""
    return _tokens(attributes, _INPUT) is not None or _tokens(attributes, _OUTPUT) is not None


def call_of(span: ReadableSpan, operation: str, context: Mapping[str, object]) -> GenAICall:
    """What the call of a span did.

    Args:
        span: at its end.
        operation: from `operation_of`.
        context: in which the span was started.
    """
    attributes = span.attributes or {}
    reasons = _first(attributes, _FINISH_REASONS)
    seconds = ((span.end_time or 0) - (span.start_time or 0)) / 1e9
    return GenAICall(
        provider=str(_first(attributes, _PROVIDER) or _OTHER),
        operation=operation,
        request_model=_text(attributes, names.GEN_AI_REQUEST_MODEL),
        response_model=_text(attributes, names.GEN_AI_RESPONSE_MODEL),
        response_id=_text(attributes, names.GEN_AI_RESPONSE_ID),
        finish_reasons=_several(reasons),
        usage=TokenUsage(
            input=_tokens(attributes, _INPUT),
            output=_tokens(attributes, _OUTPUT),
            cache_read=_tokens(attributes, _CACHE_READ),
            cache_write=_tokens(attributes, _CACHE_WRITE),
            reasoning=_tokens(attributes, _REASONING),
            audio_input=_tokens(attributes, _AUDIO_INPUT),
            audio_output=_tokens(attributes, _AUDIO_OUTPUT),
        ),
        duration=seconds,
        time_to_first_chunk=None,
        chunks=0,
        error_type=_text(attributes, names.ERROR_TYPE) or (None if span.status.is_ok else _OTHER),
        conversation_id=_text(attributes, names.GEN_AI_CONVERSATION_ID),
        server_address=_text(attributes, names.SERVER_ADDRESS),
        context=context,
        span_owner=span.instrumentation_scope.name if span.instrumentation_scope else "",
        recording=True,
    )


def _first(attributes: Mapping[str, Any], candidates: tuple[str, ...]) -> Any:
    return next((attributes[name] for name in candidates if name in attributes), None)


def _several(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, (tuple, list)) else ()


def _text(attributes: Mapping[str, Any], name: str) -> str | None:
    value = attributes.get(name)
    return value if isinstance(value, str) and value else None


def _tokens(attributes: Mapping[str, Any], candidates: tuple[str, ...]) -> int | None:
    value = _first(attributes, candidates)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
