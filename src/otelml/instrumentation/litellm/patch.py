"""LiteLLM's functions, which all its users call by the module, its router among them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.calls import Arguments, Keywords, Plan
from otelml.instrumentation._genai.methods import MethodCalls
from otelml.instrumentation._genai.openai_api import answers, content, requests
from otelml.instrumentation._genai.openai_api.stream import ChatCollector, ResponseCollector
from otelml.instrumentation._genai.reading import count, get, items
from otelml.instrumentation._genai.servers import server_at
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.litellm.providers import asked
from otelml.telemetry.genai import Answer, Endpoint, GenAIOperation, GenAITelemetry, Owner, Server, StreamState
from otelml.telemetry.genai.stream import AsyncStream, SyncStream


def _chat(result: Any) -> Answer:
    answer = answers.chat(result)
    written = count(getattr(getattr(result, "usage", None), "cache_creation_input_tokens", None))
    if not written:
        return answer
    return answer._replace(usage=answer.usage._replace(cache_write=written))


_FUNCTIONS: dict[str, tuple[Endpoint, tuple[str, ...]]] = {
    "completion": (Endpoint(requests.chat, _chat, ChatCollector, content.of_chat), ("model", "messages")),
    "text_completion": (
        Endpoint(requests.completions, answers.chat, ChatCollector, content.of_completions),
        ("prompt", "model"),
    ),
    "embedding": (Endpoint(requests.embeddings, answers.embeddings), ("model", "input")),
    "responses": (
        Endpoint(requests.responses, answers.response, ResponseCollector, content.of_responses),
        ("input", "model"),
    ),
}
"""The functions, and the names of their first positional arguments; each has an asynchronous twin."""

_MODULE = "litellm"
_OWN = "otel"
_OWNER = Owner(_MODULE, has_metrics=False)


def _owner(litellm: Any) -> Owner | None:
    callbacks = (*items(get(litellm, "callbacks")), *items(get(litellm, "success_callback")))
    makes_spans = any(it == _OWN or type(it).__name__ == "OpenTelemetry" for it in callbacks)
    return _OWNER if makes_spans else None


def _receive(proxy: Callable[..., Any], plan: Plan, operation: GenAIOperation, result: Any) -> Any:
    # Not by the stream's class: LiteLLM's is made to be read both ways (1.106).
    if (
        plan.streams
        and plan.endpoint.collector is not None
        and hasattr(result, "__iter__" if proxy is SyncStream else "__aiter__")
    ):
        state = StreamState(operation, plan.endpoint.collector(operation.telemetry.content.wanted))
        return proxy(result, state)
    operation.stop(plan.endpoint.answer(result))
    return result


def plan(
    endpoint: Endpoint,
    positional: tuple[str, ...],
    proxy: Callable[..., Any],
    name: str,
    telemetry: GenAITelemetry,
    args: Arguments,
    kwargs: Keywords,
) -> Plan | None:
    """What a call of a function is; one that LiteLLM makes from its asynchronous twin is the twin's."""
    if kwargs.get(f"a{name}") is True:
        return None
    litellm = sys.modules[_MODULE]
    body: dict[str, Any] = {**dict(zip(positional, args, strict=False)), **kwargs}
    prices = get(litellm, "model_cost")
    found = asked(body.get("model"), body.get("custom_llm_provider"), prices if isinstance(prices, Mapping) else {})
    body["model"] = found.model
    address = body.get("api_base") or body.get("base_url")
    if isinstance(address, str):
        server = server_at(address, found.provider)._replace(provider=found.provider)
    else:
        server = Server(found.provider)
    streams = body.get("stream") is True
    return Plan(endpoint, server, body, streams, receive=partial(_receive, proxy), owner=_owner(litellm))


CALLS = MethodCalls()


def _patches() -> Iterator[Patch]:
    for name, (endpoint, positional) in _FUNCTIONS.items():
        row = CALLS.row(partial(plan, endpoint, positional, SyncStream, name))
        yield Patch(_MODULE, name, row.call, optional=True)
        row = CALLS.row(partial(plan, endpoint, positional, AsyncStream, name))
        yield Patch(_MODULE, f"a{name}", row.call_async, optional=True)


PATCHES = PatchTable(*_patches())
