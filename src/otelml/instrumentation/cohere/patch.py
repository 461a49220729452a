"""The methods of Cohere's client: whole answers come through its raw clients, streams through those above them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from otelml.instrumentation._genai.calls import Arguments, Keywords, Plan
from otelml.instrumentation._genai.methods import MethodCalls
from otelml.instrumentation._genai.servers import server_at
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.cohere.endpoints import CHAT, EMBED, OLD_CHAT, RERANK
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import Endpoint, GenAITelemetry

_RAW = {
    ("cohere.v2.raw_client", "RawV2Client"): {"chat": CHAT, "embed": EMBED, "rerank": RERANK},
    ("cohere.raw_base_client", "RawBaseCohere"): {"chat": OLD_CHAT, "embed": EMBED, "rerank": RERANK},
}
_STREAMING = {
    ("cohere.v2.client", "V2Client"): CHAT,
    ("cohere.base_client", "BaseCohere"): OLD_CHAT,
}
_STREAM = "chat_stream"


def plan(
    endpoint: Endpoint, streams: bool, telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords
) -> Plan | None:
    """What a call of a method of `args[0]`, a client or a raw client, is."""
    part: Any = args[0]
    wrapper = (part._raw_client if streams else part)._client_wrapper
    server = server_at(wrapper.get_base_url(), Names.COHERE, telemetry.settings.genai_providers)
    given = {key: value for key, value in kwargs.items() if value is not ...}  # Cohere's mark of what is left out
    return Plan(endpoint, server, {**given, "stream": streams}, streams)


CALLS = MethodCalls()


def _patches() -> Iterator[Patch]:
    for (module, name), methods in _RAW.items():
        for method, endpoint in methods.items():
            row = CALLS.row(partial(plan, endpoint, False))
            yield Patch(module, f"{name}.{method}", row.call)
            yield Patch(module, f"Async{name}.{method}", row.call_async)
    for (module, name), endpoint in _STREAMING.items():
        row = CALLS.row(partial(plan, endpoint, True))
        yield Patch(module, f"{name}.{_STREAM}", row.call)
        yield Patch(module, f"Async{name}.{_STREAM}", row.call)  # it returns an asynchronous generator at once


PATCHES = PatchTable(*_patches())
