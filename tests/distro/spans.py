"""Spans as another instrumentation makes them."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import Tracer

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.attributes import GenAiOperationName
from tests.support.telemetry import Telemetry

COST = metrics.ML_GEN_AI_CLIENT_OPERATION_COST.name
UNPRICED = metrics.ML_GEN_AI_CLIENT_UNPRICED_OPERATIONS.name
AMOUNT = names.ML_GEN_AI_USAGE_COST_AMOUNT

REQUEST = {
    names.GEN_AI_OPERATION_NAME: GenAiOperationName.CHAT,
    names.GEN_AI_PROVIDER_NAME: "openai",
    names.GEN_AI_REQUEST_MODEL: "gpt",
}
TOKENS = {names.GEN_AI_USAGE_INPUT_TOKENS: 100, names.GEN_AI_USAGE_OUTPUT_TOKENS: 10}
PRICE = 100 * 2e-6 + 10 * 8e-6
RESPONSE = names.GEN_AI_RESPONSE_ID


def end(tracer: Tracer, name: str = "chat gpt", **changed: Any) -> None:
    """A span of a call."""
    tracer.start_span(name, attributes={**REQUEST, **TOKENS, **changed}).end()


def shown(telemetry: Telemetry) -> dict[str, Any]:
    """The cost on each span, by the span's name."""
    return {it.name: it.attributes.get(AMOUNT) for it in telemetry.spans}
