"""What the hooks of GenAI clients share: the instrumentor's base, and the way of a call through its choke point."""

from __future__ import annotations

from otelml.instrumentation._genai.base import GenAIInstrumentor
from otelml.instrumentation._genai.calls import Calls, Plan

__all__ = ["Calls", "GenAIInstrumentor", "Plan"]
