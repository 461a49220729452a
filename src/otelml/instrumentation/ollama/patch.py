"""The choke point of Ollama's client: `_request`, which all methods call with the path and the body."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from otelml.instrumentation._genai import Calls, Plan
from otelml.instrumentation._genai.calls import Arguments, Keywords
from otelml.instrumentation._genai.servers import Servers, server_at
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.ollama.endpoints import endpoint
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import GenAITelemetry


def _base_url(client: Any) -> Any:
    return client._client._base_url


_SERVERS = Servers(_base_url, lambda _client: Names.OLLAMA)


def plan(telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords) -> Plan | None:
    """What a call of `_request(client, cls, method, url, *, json, stream)` is."""
    client, _, _, url = args
    named = telemetry.settings.genai_providers
    server = _SERVERS.of(client, named)
    if "://" in url:  # searches and fetched pages come from Ollama's own service
        server = server_at(url, Names.OLLAMA, named)
        url = urlsplit(url).path
    return Plan(endpoint(url), server, kwargs.get("json") or {}, bool(kwargs.get("stream")))


CALLS = Calls(plan)

PATCHES = PatchTable(
    Patch("ollama._client", "Client._request", CALLS.call),
    Patch("ollama._client", "AsyncClient._request", CALLS.call_async),
)
