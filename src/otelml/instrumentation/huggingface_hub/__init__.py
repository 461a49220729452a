"""Hugging Face's `InferenceClient` and `AsyncInferenceClient`.

Chat completions and text generation with their tokens; the other tasks as operations of their own names. The provider
is who answers: the one that the client is given, or Hugging Face.
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.huggingface_hub.package import REQUIRES
from otelml.instrumentation.huggingface_hub.patch import CALLS, PATCHES

__all__ = ["HuggingFaceHubInstrumentor"]


class HuggingFaceHubInstrumentor(GenAIInstrumentor):
    """Instruments Hugging Face's inference clients.

    Example:
        >>> HuggingFaceHubInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.huggingface_hub"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
