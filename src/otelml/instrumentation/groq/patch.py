"""The choke point of Groq's client, which asks for OpenAI's API below a path of its own."""

from __future__ import annotations

from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords, Plan
from otelml.instrumentation._genai.openai_api.endpoints import endpoint
from otelml.instrumentation._genai.servers import Servers
from otelml.instrumentation._genai.stainless import base_url, body_of, options_of, patches, planned
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import GenAITelemetry

_BELOW = "/openai/v1"

_SERVERS = Servers(base_url, lambda _client: Names.GROQ)


def plan(telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords) -> Plan | None:
    """What a call of `request(client, cast_to, options, *, stream, stream_cls)` is."""
    options = options_of(args, kwargs)
    kind = endpoint(options.method.lower(), options.url.removeprefix(_BELOW))
    server = _SERVERS.of(args[0], telemetry.settings.genai_providers)
    return planned(kind, server, options, body_of(options), bool(kwargs.get("stream")))


CALLS = Calls(plan)

PATCHES = patches("groq._base_client", CALLS)
