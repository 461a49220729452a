"""What the application says around a call reaches its span, and its metrics where the settings allow it."""

from __future__ import annotations

from typing import Any

import otelml
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.instrumentation.openai.conftest import Switch
from tests.support.telemetry import Telemetry

PERSONA = names.ML_GEN_AI_CONVERSATION_PERSONA
MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]


def test_the_persona_of_a_conversation(switch_on: Switch, client: Any, telemetry: Telemetry) -> None:
    """Persona and conversation are on the span; on the metrics is what was allowed, and nothing else."""
    telemetry.allow(PERSONA)
    switch_on(metric_attributes=PERSONA)
    with otelml.conversation("c-1", persona="agent"):
        client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES)
    span = telemetry.span("chat gpt-5-mini")
    assert span.attributes[PERSONA] == "agent"
    assert span.attributes[names.GEN_AI_CONVERSATION_ID] == "c-1"
    point = telemetry.point(metrics.GEN_AI_CLIENT_OPERATION_DURATION.name)
    assert point.attributes[PERSONA] == "agent"
    assert names.GEN_AI_CONVERSATION_ID not in point.attributes
