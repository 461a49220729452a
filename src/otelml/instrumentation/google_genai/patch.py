"""The choke points of Google's client: `request` of its API client in four forms, and what goes another way.

The interactions are asked for by a client of their own (`google.genai._gaos`, 2.0 to 3.4), a method each; live sessions
are web sockets.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import wrapt
from opentelemetry.context import Context, attach, detach

from otelml.instrumentation._genai.calls import Arguments, Keywords, Plan, receive
from otelml.instrumentation._genai.methods import MethodCalls
from otelml.instrumentation._genai.reading import get
from otelml.instrumentation._genai.servers import server_at
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.google_genai import interactions, live
from otelml.instrumentation.google_genai.endpoints import endpoint
from otelml.semconv.attributes import GenAiProviderName as Names
from otelml.telemetry.genai import Endpoint, GenAIOperation, GenAITelemetry, wrapped
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


def _interaction(plan: Plan, operation: GenAIOperation, result: Any) -> Any:
    if plan.streams and not hasattr(type(result), "__next__" if not is_async_stream(result) else "__anext__"):
        operation.stop()  # a raw response, which the application reads by itself
        return result
    return receive(plan, operation, result)


def plan_interaction(kind: Endpoint, telemetry: GenAITelemetry, args: Arguments, kwargs: Keywords) -> Plan | None:
    """What a call of a method of `args[0]`, the client's interactions, is."""
    url, _ = args[0].sdk_configuration.get_server_details()
    server = server_at(url, Names.GCP_GEMINI, telemetry.settings.genai_providers)
    streams = get(interactions.asked(kwargs), "stream") is True
    return Plan(kind, server, kwargs, streams, receive=_interaction)


CALLS = MethodCalls()


def _patches() -> Iterator[Patch]:
    requests = CALLS.row(plan)
    for name in ("request", "request_streamed"):
        yield Patch("google.genai._api_client", f"BaseApiClient.{name}", requests.call)
        yield Patch("google.genai._api_client", f"BaseApiClient.async_{name}", requests.call_async)
    for method, kind in interactions.METHODS.items():
        row = CALLS.row(partial(plan_interaction, kind))
        module = "google.genai._gaos.google_genai"
        yield Patch(module, f"GeminiNextGenInteractions.{method}", row.call, optional=True)
        yield Patch(module, f"AsyncGeminiNextGenInteractions.{method}", row.call_async, optional=True)
    yield Patch("google.genai.live", "AsyncLive.connect", live.connect)
    yield Patch("google.genai.live", "AsyncSession.receive", CALLS.row(live.plan).call)


PATCHES = PatchTable(*_patches())
