"""Calls and lists of models made by hand."""

from __future__ import annotations

from typing import Any

from otelml.monitors.genai.prices import Model
from otelml.observations.genai import GenAICall, TokenUsage
from otelml.semconv.attributes import GenAiOperationName, GenAiProviderName


def call(**facts: Any) -> GenAICall:
    """A chat of 100 tokens in and 10 out, with some facts changed."""
    usual: dict[str, Any] = {
        "provider": GenAiProviderName.OPENAI,
        "operation": GenAiOperationName.CHAT,
        "request_model": "m",
        "response_model": None,
        "response_id": None,
        "finish_reasons": ("stop",),
        "usage": TokenUsage(input=100, output=10),
        "duration": 1.0,
        "time_to_first_chunk": None,
        "chunks": 0,
        "error_type": None,
        "conversation_id": None,
        "server_address": None,
        "context": {},
        "span_owner": None,
        "recording": True,
    }
    return GenAICall(**{**usual, **facts})


class Listed:
    """A list of models that counts how often it is asked."""

    def __init__(self, models: dict[str, Model]) -> None:
        self.models = models
        self.asked = 0

    def find(self, provider: str | None, model: str) -> Model | None:
        """Find a model by its name alone."""
        self.asked += 1
        return self.models.get(model)
