"""Pure: embeddings, and the predictions by which Vertex AI gives them; others of those are images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otelml.instrumentation._genai.reading import count, get, items
from otelml.instrumentation.google_genai.generation import usage_of
from otelml.instrumentation.google_genai.models import model_in, parsed
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.genai import NO_ANSWER, Answer, Request, TokenUsage
from otelml.telemetry.genai.facts import Field

_COUNTS = ('"usageMetadata"', '"statistics"')
"""What an answer has that tells its tokens; the vectors of one that has neither are not read."""


def request(given: Mapping[str, Any]) -> Request:
    """Of a request for embeddings, of one text or of several."""
    first = next(iter(items(given.get("requests"))), given)
    fields = _dimensions(get(first, "outputDimensionality"))
    # The Gemini API tells no tokens of embeddings.
    return Request(Operations.EMBEDDINGS, model_in(given), fields, metered=False)


def prediction(given: Mapping[str, Any]) -> Request:
    """Of a request for predictions."""
    first = next(iter(items(given.get("instances"))), None)
    if get(first, "content") is None:
        return Request(Operations.IMAGE_GENERATION, model_in(given), {"output_type": Outputs.IMAGE}, metered=False)
    return Request(
        Operations.EMBEDDINGS, model_in(given), _dimensions(get(given.get("parameters"), "outputDimensionality"))
    )


def _dimensions(value: object) -> dict[str, Field]:
    found = count(value)
    return {} if found is None else {"dimensions": found}


def answer(result: Any) -> Answer:
    """What an answer says of its tokens, wherever it does."""
    body = result.body
    if not isinstance(body, str) or not any(word in body for word in _COUNTS):
        return NO_ANSWER
    data = parsed(body)
    usage = usage_of(data.get("usageMetadata"))
    if not usage.known:
        counts = [get(get(get(it, "embeddings"), "statistics"), "token_count") for it in items(data.get("predictions"))]
        known = [int(it) for it in counts if isinstance(it, (int, float))]
        usage = TokenUsage(sum(known)) if known else usage
    return Answer(usage=usage)
