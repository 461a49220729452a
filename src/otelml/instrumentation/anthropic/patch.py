"""The choke points of Anthropic's client, by release: within the client's own span where it makes one.

From release 2 on, `request` opens the client's span and calls `_request` in it; before, there is `request` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords, Plan
from otelml.instrumentation._genai.rivals import rival_at
from otelml.instrumentation._genai.servers import Servers
from otelml.instrumentation._genai.stainless import base_url, body_of, options_of, planned
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.anthropic.endpoints import endpoint
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import GenAITelemetry, Owner

_MODULE = "anthropic._base_client"
_INNER = "_request"
_MESSAGES = "/v1/messages"
_BETA = "beta=true"
_RIVALS = {
    "opentelemetry.instrumentation.anthropic": Owner("opentelemetry.instrumentation.anthropic", has_metrics=True),
    "openlit.instrumentation.anthropic": Owner("openlit.instrumentation.anthropic", has_metrics=True),
}
"""OpenLLMetry (0.62) makes no span of its current, OpenLIT's (1.45) is outside the client's own: both count."""
_PLATFORMS = (
    ("Bedrock", Names.AWS_BEDROCK),
    ("Vertex", Names.GCP_VERTEX_AI),
    ("Foundry", Names.AZURE_AI_INFERENCE),
)
"""What is in the names of the clients of other platforms; the addresses of Foundry's are the customers' own."""


def _default(client: Any) -> str:
    classes = [cls.__name__ for cls in type(client).__mro__ if cls.__module__.startswith("anthropic.")]
    for word, provider in _PLATFORMS:
        if any(word in name for name in classes):
            return provider
    return Names.ANTHROPIC


_SERVERS = Servers(base_url, _default)


def _is_counted(url: str) -> bool:
    module = "anthropic.resources.beta.messages.messages" if _BETA in url else "anthropic.resources.messages.messages"
    owner = rival_at(module, "Messages.create", _RIVALS)
    return owner is not None and owner.has_metrics


def plan(telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords) -> Plan | None:
    """What a call of `request(client, cast_to, options, *, stream, stream_cls)`, or of `_request`, is."""
    options = options_of(args, kwargs)
    if options.url.startswith(_MESSAGES) and _is_counted(options.url):
        return None
    server = _SERVERS.of(args[0], telemetry.settings.genai_providers)
    kind = endpoint(options.method.lower(), options.url)
    return planned(kind, server, options, body_of(options), bool(kwargs.get("stream")))


CALLS = Calls(plan)


def _unless_inner(call: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(function: Callable[..., Any], args: Arguments, kwargs: Keywords) -> Any:
        if hasattr(args[0], _INNER):
            return function(*args, **kwargs)
        return call(function, args, kwargs)

    return wrapper


PATCHES = PatchTable(
    Patch(_MODULE, f"SyncAPIClient.{_INNER}", CALLS.call, optional=True),
    Patch(_MODULE, f"AsyncAPIClient.{_INNER}", CALLS.call_async, optional=True),
    Patch(_MODULE, "SyncAPIClient.request", _unless_inner(CALLS.call)),
    Patch(_MODULE, "AsyncAPIClient.request", _unless_inner(CALLS.call_async)),
)
