"""The choke point of the OpenAI client: every request of every resource goes through `request` of its base class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords, Plan
from otelml.instrumentation._genai.openai_api.endpoints import endpoint
from otelml.instrumentation._genai.rivals import rival_at
from otelml.instrumentation._genai.servers import Servers
from otelml.instrumentation._genai.stainless import base_url, body_of, options_of, patches, planned
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import GenAITelemetry, Owner

_CHAT = "/chat/completions"
_RESPONSES = "/responses"
_RIVALS = {"opentelemetry.instrumentation.openai.": Owner("opentelemetry.instrumentation.openai.v1", has_metrics=False)}
"""OpenLLMetry (0.62) makes the spans of responses when they are over, and does not count them."""


def _default(client: Any) -> str:
    is_azure = any(cls.__name__ == "BaseAzureClient" for cls in type(client).__mro__)
    return Names.AZURE_AI_OPENAI if is_azure else Names.OPENAI_COMPATIBLE


_SERVERS = Servers(base_url, _default)


def plan(telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords) -> Plan | None:
    """What a call of `request(client, cast_to, options, *, stream, stream_cls)` is."""
    options = options_of(args, kwargs)
    body = body_of(options)
    streams = bool(kwargs.get("stream"))
    arguments = None
    if streams and telemetry.settings.genai_stream_usage and options.url == _CHAT and len(args) > 2:
        arguments = _asking_for_usage(args, options, body)
    server = _SERVERS.of(args[0], telemetry.settings.genai_providers)
    found = planned(endpoint(options.method.lower(), options.url), server, options, body, streams, arguments)
    if options.url.startswith(_RESPONSES):
        return found._replace(owner=rival_at("openai.resources.responses.responses", "Responses.create", _RIVALS))
    return found


def _asking_for_usage(args: Arguments, options: Any, body: Mapping[str, Any]) -> Arguments | None:
    if body.get("stream_options") is not None or not isinstance(options.json_data, Mapping):
        return None
    asking = {**options.json_data, "stream_options": {"include_usage": True}}
    return (*args[:2], options.model_copy(update={"json_data": asking}), *args[3:])


CALLS = Calls(plan)

PATCHES = patches("openai._base_client", CALLS)
