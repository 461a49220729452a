"""Groq's client, sync and async.

Chat completions and embeddings with their tokens; audio, batches, files and models as operations of their own names.
Raw and streaming responses go the same way.
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.groq.package import REQUIRES
from otelml.instrumentation.groq.patch import CALLS, PATCHES

__all__ = ["GroqInstrumentor"]


class GroqInstrumentor(GenAIInstrumentor):
    """Instruments Groq's client.

    Example:
        >>> GroqInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.groq"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
