"""OpenAI's client, sync and async, and every service that is asked with it.

Chat completions, responses, embeddings and legacy completions; images, audio, moderations, batches, files, fine-tuning
and whatever else the client asks for, as operations of their own names. `.parse`, `.stream()`, `with_raw_response` and
`with_streaming_response` go the same way. The provider is named by the address: Azure, vLLM, Ollama, Groq...
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.openai.package import REQUIRES
from otelml.instrumentation.openai.patch import CALLS, PATCHES

__all__ = ["OpenAIInstrumentor"]


class OpenAIInstrumentor(GenAIInstrumentor):
    """Instruments OpenAI's client.

    Example:
        >>> OpenAIInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.openai"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
