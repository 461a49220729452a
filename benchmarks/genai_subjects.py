"""Makers of subjects: a chat completion and a stream of OpenAI's client over a transport that answers at once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Any

from opentelemetry.trace import SpanKind

from benchmarks.alternating import Variant, subject
from benchmarks.sdk import Sdk
from benchmarks.subject import Subject

CHUNKS = 200
_REQUEST: dict[str, Any] = {
    "model": "gpt-5-mini",
    "messages": [{"role": "user", "content": "Say hello."}],
    "temperature": 0.2,
    "max_completion_tokens": 100,
}
_STREAM = {**_REQUEST, "stream": True, "stream_options": {"include_usage": True}}
_USAGE = {"prompt_tokens": 19, "completion_tokens": CHUNKS, "total_tokens": 19 + CHUNKS}
_ABOUT = {"id": "chatcmpl-1", "created": 1741569952, "model": "gpt-5-mini-2026-08-07"}
_ANSWER = {
    **_ABOUT,
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}],
    "usage": _USAGE,
}


def _chunk(choices: list[Any], **more: Any) -> bytes:
    return (
        b"data: "
        + json.dumps({**_ABOUT, "object": "chat.completion.chunk", "choices": choices, **more}).encode()
        + b"\n\n"
    )


_WHOLE = json.dumps(_ANSWER).encode()
_PIECES = b"".join(
    [
        *(_chunk([{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]) for _ in range(CHUNKS - 2)),
        _chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        _chunk([], usage=_USAGE),
        b"data: [DONE]\n\n",
    ]
)


def _client() -> Any:
    import httpx2
    import openai

    def answer(request: httpx2.Request) -> httpx2.Response:
        if b'"stream":true' in request.content or b'"stream": true' in request.content:
            return httpx2.Response(200, content=_PIECES, headers={"content-type": "text/event-stream"})
        return httpx2.Response(200, content=_WHOLE, headers={"content-type": "application/json"})

    transport = httpx2.MockTransport(answer)
    http = openai.DefaultHttpxClient(transport=transport)
    return openai.OpenAI(api_key="none", base_url="https://api.openai.com/v1", http_client=http, max_retries=0)


def _subject(client: Any, stream: bool) -> Subject:
    create = client.chat.completions.create

    def read(_: Any) -> None:
        for _chunk in create(**_STREAM):
            pass

    return Subject(read if stream else lambda _: create(**_REQUEST))


def bare(stream: bool = False) -> Subject:
    """Nothing but the SDK, idle."""
    Sdk()
    return _subject(_client(), stream)


def otelml(stream: bool = False) -> Subject:
    """Our hook, alone; what enriches its spans has figures of its own."""
    from otelml import instrument

    Sdk()
    instrument(monitors=False, genai_enrichment=False)
    return _subject(_client(), stream)


def official(stream: bool = False) -> Subject:
    """opentelemetry-instrumentation-genai-openai."""
    Sdk()
    import_module("opentelemetry.instrumentation.genai.openai").OpenAIInstrumentor().instrument()
    return _subject(_client(), stream)


def openllmetry(stream: bool = False) -> Subject:
    """opentelemetry-instrumentation-openai of Traceloop, without content."""
    os.environ["TRACELOOP_TRACE_CONTENT"] = "false"
    Sdk()
    import_module("opentelemetry.instrumentation.openai").OpenAIInstrumentor().instrument()
    return _subject(_client(), stream)


def openinference(stream: bool = False) -> Subject:
    """openinference-instrumentation-openai, without content."""
    Sdk()
    hidden = import_module("openinference.instrumentation").TraceConfig(hide_inputs=True, hide_outputs=True)
    import_module("openinference.instrumentation.openai").OpenAIInstrumentor().instrument(config=hidden)
    return _subject(_client(), stream)


def floor(stream: bool = False) -> Subject:
    """What one would write by hand: a current span with 11 attributes, and three histogram points."""
    return _by_hand(Sdk(), _client(), stream)


def alternating(stream: bool = False) -> Subject:
    """Nothing, by hand, and our hook, in one process and with one client."""
    from otelml import instrument, uninstrument

    sdk, client = Sdk(), _client()

    def on() -> None:
        instrument(monitors=False, genai_enrichment=False)

    asked = _subject(client, stream).call
    variants = {
        "bare": Variant(asked),
        "bare again": Variant(asked),
        "by hand": Variant(_by_hand(sdk, client, stream).call),
        "otelml": Variant(asked, begin=on, end=uninstrument),
    }
    return subject(variants, 10 if stream else 150, 3 if stream else 30)


def _by_hand(sdk: Sdk, client: Any, stream: bool) -> Subject:
    create, record, tracer = client.chat.completions.create, _recorder(sdk), sdk.tracer

    def ask() -> None:
        began = perf_counter()
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": _REQUEST["model"],
            "gen_ai.request.temperature": _REQUEST["temperature"],
            "gen_ai.request.max_tokens": _REQUEST["max_completion_tokens"],
            "server.address": "api.openai.com",
        }
        with tracer.start_as_current_span("chat gpt-5-mini", kind=SpanKind.CLIENT, attributes=attributes) as span:
            result = create(**(_STREAM if stream else _REQUEST))
            reason = None
            if stream:
                for chunk in result:
                    if chunk.choices and chunk.choices[0].finish_reason:
                        reason = chunk.choices[0].finish_reason
                result = chunk
            else:
                reason = result.choices[0].finish_reason
            span.set_attributes(
                {
                    "gen_ai.response.model": result.model,
                    "gen_ai.response.id": result.id,
                    "gen_ai.response.finish_reasons": (reason,),
                    "gen_ai.usage.input_tokens": result.usage.prompt_tokens,
                    "gen_ai.usage.output_tokens": result.usage.completion_tokens,
                }
            )
            record(perf_counter() - began, result)

    return Subject(lambda _: ask())


def _recorder(sdk: Sdk) -> Callable[[float, Any], None]:
    seconds = [0.01 * 2**power for power in range(14)]
    tokens = [4**power for power in range(14)]
    duration = sdk.meter.create_histogram("hand.duration", "s", explicit_bucket_boundaries_advisory=seconds)
    usage = sdk.meter.create_histogram("hand.tokens", "{token}", explicit_bucket_boundaries_advisory=tokens)

    def record(took: float, result: Any) -> None:
        about = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5-mini",
            "gen_ai.response.model": result.model,
            "server.address": "api.openai.com",
        }
        duration.record(took, about)
        usage.record(result.usage.prompt_tokens, {**about, "gen_ai.token.type": "input"})
        usage.record(result.usage.completion_tokens, {**about, "gen_ai.token.type": "output"})

    return record
