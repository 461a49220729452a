"""Google's GenAI client, sync and async, for the Gemini API and for Vertex AI.

`generate_content` and its stream, chats, embeddings, interactions, the turns of live sessions; images, files, batches,
tuning jobs and whatever else the client asks for, as operations of their own names. Where the client calls the
application's functions by itself, each request to the model is a call.
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.google_genai.package import REQUIRES
from otelml.instrumentation.google_genai.patch import CALLS, PATCHES

__all__ = ["GoogleGenAIInstrumentor"]


class GoogleGenAIInstrumentor(GenAIInstrumentor):
    """Instruments Google's GenAI client.

    Example:
        >>> GoogleGenAIInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.google_genai"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
