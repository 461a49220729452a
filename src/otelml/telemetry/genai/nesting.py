"""One span and one count for one call, whoever else is looking at it.

A call inside a call is its outer call's: of ours, or of an instrumentation that says so by OpenTelemetry's context
keys.
A span that another instrumentation has opened for the call is known by its attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation import _SPAN_KEY

from otelml.semconv import attributes as names
from otelml.telemetry.genai.names import EMBEDDING_CONTEXT, INFERENCE_CONTEXT

_SUPPRESS_LANGUAGE_MODELS = "suppress_language_model_instrumentation"
"""OpenLLMetry's key (0.62): its LangChain and LlamaIndex hooks set it around the client's call."""

_OUR_SCOPES = "otelml"
_CALLS = frozenset(
    {
        names.GenAiOperationName.CHAT,
        names.GenAiOperationName.GENERATE_CONTENT,
        names.GenAiOperationName.TEXT_COMPLETION,
        names.GenAiOperationName.EMBEDDINGS,
    }
)
_FOREIGN_KINDS = {
    "openinference.span.kind": ("LLM", "EMBEDDING"),  # OpenInference 0.1
    "llm.request.type": ("chat", "completion", "embedding"),  # OpenLLMetry before 0.60
}
_LOGFIRE_REQUEST = "request_data"  # Logfire 5 puts the request on its span under this name
_ANTHROPIC = "com.anthropic.sdk"
"""Each span of Anthropic's client (2.12) that is of a request is a call's, also where it tells no operation."""
_WITHOUT_METRICS = ("openinference", "logfire", _ANTHROPIC, "mistralai", "langfuse")
"""The scopes that make spans of calls, but neither durations nor token counts (as of 2026-10)."""


class Owner(NamedTuple):
    """Another instrumentation that has a span for the call.

    Attributes:
        scope: its scope.
        has_metrics: whether it counts the call as well.
    """

    scope: str
    has_metrics: bool


def context_key(operation: str) -> str | None:
    """The context key that marks what is inside a call of this operation as its own; None where nothing is inside."""
    if operation == names.GenAiOperationName.EMBEDDINGS:
        return EMBEDDING_CONTEXT
    return INFERENCE_CONTEXT if operation in _CALLS else None


def is_suppressed(context: Context, key: str | None) -> bool:
    """Whether a call shall leave no trace, or belongs to an outer call of its kind."""
    return bool(context) and bool(
        context.get(_SUPPRESS_INSTRUMENTATION_KEY)
        or context.get(_SUPPRESS_LANGUAGE_MODELS)
        or (key is not None and context.get(key) is not None)
    )


def owner_of(context: Context) -> Owner | None:
    """Who has opened a span for the call already."""
    span = context.get(_SPAN_KEY)
    if not isinstance(span, Span) or not span.is_recording():
        return None
    scope = getattr(getattr(span, "instrumentation_scope", None), "name", "")
    if scope.startswith(_OUR_SCOPES):
        return None
    attributes = getattr(span, "attributes", None)
    if not attributes or not (_is_call(attributes, scope) or _is_anthropic_request(span, scope)):
        return None
    return Owner(scope, not scope.startswith(_WITHOUT_METRICS))


def _is_call(attributes: Mapping[str, Any], scope: str) -> bool:
    if attributes.get(names.GEN_AI_OPERATION_NAME) in _CALLS:
        return True
    if scope.startswith("logfire") and _LOGFIRE_REQUEST in attributes:
        return True
    return any(attributes.get(key) in kinds for key, kinds in _FOREIGN_KINDS.items())


def _is_anthropic_request(span: Span, scope: str) -> bool:
    return scope.startswith(_ANTHROPIC) and getattr(span, "kind", None) is SpanKind.CLIENT
