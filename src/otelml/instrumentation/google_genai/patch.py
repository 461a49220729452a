"""The choke point of Google's client: `request` of its API client, in four forms, by which all models are asked."""

from __future__ import annotations

from typing import Any

import wrapt
from opentelemetry.context import Context, attach, detach

from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords, Plan
from otelml.instrumentation._genai.servers import server_at
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.google_genai.endpoints import endpoint
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import GenAIOperation, GenAITelemetry, wrapped
from otelml.telemetry.genai.stream import is_async_stream

_NAMES = ("http_method", "path", "request_dict")


class Opening(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """A stream that makes its request when its first piece is read: the call's span is current while it does."""

    def __init__(self, stream: Any, context: Context) -> None:
        super().__init__(stream)
        self._self_context: Context | None = context

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        context, self._self_context = self._self_context, None
        if context is None:
            return next(self.__wrapped__)
        token = attach(context)
        try:
            return next(self.__wrapped__)
        finally:
            detach(token)


def _stream(plan: Plan, operation: GenAIOperation, result: Any) -> Any:
    assert plan.endpoint.collector is not None
    stream = result if is_async_stream(result) else Opening(result, operation.context)
    return wrapped(stream, operation, plan.endpoint.collector)


def plan(telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords) -> Plan | None:
    """What a call of `request(client, http_method, path, request_dict, http_options)` is."""
    client = args[0]
    method, path, given = (args[place] if len(args) > place else kwargs[name] for place, name in enumerate(_NAMES, 1))
    default = Names.GCP_VERTEX_AI if client.vertexai else Names.GCP_GEMINI
    server = server_at(client._http_options.base_url, default, telemetry.settings.genai_providers)
    kind = endpoint(method.lower(), path)
    body = {**given, "path": path}
    return Plan(kind, server, body, True, receive=_stream) if ":stream" in path else Plan(kind, server, body)


CALLS = Calls(plan)

PATCHES = PatchTable(
    Patch("google.genai._api_client", "BaseApiClient.request", CALLS.call),
    Patch("google.genai._api_client", "BaseApiClient.request_streamed", CALLS.call),
    Patch("google.genai._api_client", "BaseApiClient.async_request", CALLS.call_async),
    Patch("google.genai._api_client", "BaseApiClient.async_request_streamed", CALLS.call_async),
)
