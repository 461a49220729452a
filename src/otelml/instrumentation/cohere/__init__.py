"""Cohere's client, sync and async, of both versions of its API.

Chat and embeddings with their tokens; reranking as an operation of its own. Streams are seen of clients that are made
after the instrumentation is switched on: a client of Cohere's keeps its methods when it is made (7.3).
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.cohere.package import REQUIRES
from otelml.instrumentation.cohere.patch import CALLS, PATCHES

__all__ = ["CohereInstrumentor"]


class CohereInstrumentor(GenAIInstrumentor):
    """Instruments Cohere's client.

    Example:
        >>> CohereInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.cohere"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
