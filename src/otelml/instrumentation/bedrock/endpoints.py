"""The table of endpoints of Bedrock's runtime, but for the invocation of models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from otelml.instrumentation.bedrock import content, converse
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.telemetry.genai import Endpoint, Request

CONVERSE = Endpoint(converse.request, converse.answer, converse.Collector, content.of_request)
CONVERSE_STREAM = CONVERSE._replace(request=partial(converse.request, streams=True))


@lru_cache(maxsize=64)
def other(operation: str) -> Endpoint:
    """Any other operation, by AWS's own name, which has no ids: `CountTokens`, `ApplyGuardrail`..."""
    return Endpoint(partial(_request, operation))


def _request(operation: str, given: Mapping[str, Any]) -> Request:
    return Request(Operations.OTHER, converse.model_of(given.get("modelId")), {"method": operation}, metered=False)
