"""Ollama's client, sync and async, and the module's own functions.

Chat, generation and embeddings with their tokens; pulling, pushing, listing models and the like as operations of their
own names. The provider is Ollama, unless the address or the setting `genai_providers` says something else.
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.ollama.package import REQUIRES
from otelml.instrumentation.ollama.patch import CALLS, PATCHES

__all__ = ["OllamaInstrumentor"]


class OllamaInstrumentor(GenAIInstrumentor):
    """Instruments Ollama's client.

    Example:
        >>> OllamaInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.ollama"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
