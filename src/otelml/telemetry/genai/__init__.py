"""The GenAI core: the life of one call, streamed or not, with its span, metrics and event.

A hook says what it knows of a library as data and pure extractors (`Endpoint`, `Request`, `Answer`, `Collector`,
`Server`); everything that happens with it stands here, once.
"""

from __future__ import annotations

from otelml.observations.genai import NO_USAGE, TokenUsage
from otelml.telemetry.genai.facts import NO_ANSWER, Answer, Collector, Content, Endpoint, Message, Request, Server
from otelml.telemetry.genai.handler import GenAITelemetry
from otelml.telemetry.genai.nesting import Owner
from otelml.telemetry.genai.operation import GenAIOperation
from otelml.telemetry.genai.stream import StreamState, wrapped

__all__ = [
    "NO_ANSWER",
    "NO_USAGE",
    "Answer",
    "Collector",
    "Content",
    "Endpoint",
    "GenAIOperation",
    "GenAITelemetry",
    "Message",
    "Owner",
    "Request",
    "Server",
    "StreamState",
    "TokenUsage",
    "wrapped",
]
