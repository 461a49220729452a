"""LiteLLM's functions, sync and async, and the router, which calls them.

Completions, responses, text completions and embeddings, named by the provider that LiteLLM asks. A client that LiteLLM
asks with, such as OpenAI's, adds no span of its own. Where LiteLLM's own `otel` callback makes spans there is no second
one. Functions that were imported by name before the instrumentation was switched on are not seen.
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.litellm.package import REQUIRES
from otelml.instrumentation.litellm.patch import CALLS, PATCHES

__all__ = ["LiteLLMInstrumentor"]


class LiteLLMInstrumentor(GenAIInstrumentor):
    """Instruments LiteLLM.

    Example:
        >>> LiteLLMInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.litellm"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
