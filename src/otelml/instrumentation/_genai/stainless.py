"""The choke point of the clients that Stainless generates: `request` of their base classes, sync and async.

OpenAI's, Groq's and Anthropic's are such clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otelml.instrumentation._genai import raw
from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords, Plan
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.telemetry.genai import Endpoint, Server

_NOTHING: Mapping[str, Any] = {}


def base_url(client: Any) -> Any:
    """The address that a client is given."""
    return client._base_url


def options_of(args: Arguments, kwargs: Keywords) -> Any:
    """The options among the arguments of `request(client, cast_to, options, *, stream, stream_cls)`."""
    return args[2] if len(args) > 2 else kwargs["options"]


def body_of(options: Any) -> Mapping[str, Any]:
    """The body that is sent; empty where it is no JSON object."""
    body = options.json_data
    if type(body) is not dict and not isinstance(body, Mapping):
        body = _NOTHING
    return {**body, **options.extra_json} if options.extra_json else body


def planned(
    kind: Endpoint, server: Server, options: Any, body: Any, streams: bool, arguments: Arguments | None = None
) -> Plan:
    """The plan of a request, which may ask for its raw response."""
    if type(options.headers) is dict and raw.HEADER in options.headers:
        return Plan(kind, server, body, streams, arguments, raw.receive)
    return Plan(kind, server, body, streams, arguments)


def patches(module: str, calls: Calls) -> PatchTable:
    """What is replaced in a client's `_base_client`."""
    return PatchTable(
        Patch(module, "SyncAPIClient.request", calls.call),
        Patch(module, "AsyncAPIClient.request", calls.call_async),
    )
