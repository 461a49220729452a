"""Anthropic's client, sync and async, on Anthropic's own service, AWS Bedrock, Google Vertex AI and gateways.

Messages, beta messages, `.stream()`, `.parse()`, the tool runner, raw and streaming responses; count_tokens, batches,
files and whatever else the client asks for, as operations of their own names. Releases from 2 on make spans themselves:
such a call gets no second one, only the metrics that the client does not have.
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.anthropic.package import REQUIRES
from otelml.instrumentation.anthropic.patch import CALLS, PATCHES

__all__ = ["AnthropicInstrumentor"]


class AnthropicInstrumentor(GenAIInstrumentor):
    """Instruments Anthropic's client.

    Example:
        >>> AnthropicInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.anthropic"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
