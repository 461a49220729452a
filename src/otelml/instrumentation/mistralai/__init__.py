"""Mistral's client, sync and async.

Chat, fill-in-the-middle, agents, conversations and embeddings with their tokens; OCR, moderation, classification,
speech and transcription as operations of their own. Where the client makes its own spans (it does if it is told to,
from release 3 on), there is no second one: otelml adds the metrics that the client does not have.
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.mistralai.package import REQUIRES
from otelml.instrumentation.mistralai.patch import CALLS, PATCHES

__all__ = ["MistralAIInstrumentor"]


class MistralAIInstrumentor(GenAIInstrumentor):
    """Instruments Mistral's client.

    Example:
        >>> MistralAIInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.mistralai"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
