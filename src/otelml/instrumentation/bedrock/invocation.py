"""Pure: the invocation of a model in the form of its maker: which form it is, and what is said in it.

Claude's is Anthropic's, Nova's that of the Converse API; Mistral, DeepSeek, Qwen, AI21, OpenAI's open models and most
newer ones take chat completions. The others complete texts: `plain.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.anthropic_api import content as anthropic_content
from otelml.instrumentation._genai.anthropic_api import messages
from otelml.instrumentation._genai.anthropic_api.stream import MessageCollector
from otelml.instrumentation._genai.openai_api import answers, requests
from otelml.instrumentation._genai.openai_api import content as openai_content
from otelml.instrumentation._genai.openai_api.stream import ChatCollector
from otelml.instrumentation._genai.reading import count, fields, get
from otelml.instrumentation.bedrock import content, converse, plain
from otelml.telemetry.genai import NO_USAGE, Answer, Collector, Endpoint, Request, TokenUsage

_MAX_BODY = 4_000_000
"""Of a larger body, in bytes, nothing is read: that would take longer than a few milliseconds."""
_METRICS = "amazon-bedrock-invocationMetrics"
"""What Bedrock adds to the last chunk of every stream."""
_HEADER = "x-amzn-bedrock-{}-token-count"
_KINDS = ("input", "output", "cache-read-input", "cache-write-input")
_METRIC_NAMES = ("inputTokenCount", "outputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount")


def body_of(given: Mapping[str, Any], streams: bool = False) -> Mapping[str, Any]:
    """The body of an invocation, with the model, which Bedrock takes apart from it; only that where it is no JSON."""
    model = converse.model_of(given.get("modelId"))
    found = parsed(given.get("body")) or {}
    return {**found, "model": model, "modelId": model, "stream": streams}


def parsed(body: object) -> dict[str, Any] | None:
    """A JSON object; None where a body is none, is too large, or is a file, which reading would empty."""
    if not isinstance(body, (str, bytes, bytearray)) or len(body) > _MAX_BODY:
        return None
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def endpoint(body: Mapping[str, Any]) -> Endpoint:
    """The form of an invocation, by what its body has: the name of a resource need not tell the model."""
    model = body["model"] or ""
    if plain.is_other_than_text(model):
        return _PLAIN
    if "anthropic_version" in body:
        return _CLAUDE
    if "messages" not in body:
        return _PLAIN
    if "amazon.nova" in model or "schemaVersion" in body or "inferenceConfig" in body:
        return _NOVA
    return _CHAT


class ChunkCollector:
    """Of a stream, whose events are pieces of JSON in the form of the model's maker."""

    __slots__ = ("_inner", "_metrics", "_read")

    def __init__(self, make: Callable[[bool], Collector], read: Callable[[Any], Any], with_text: bool) -> None:
        self._inner = make(with_text)
        self._read = read
        self._metrics: Any = None

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one event."""
        data = json.loads(event["chunk"]["bytes"])
        if _METRICS in data:
            self._metrics = data[_METRICS]
        self._inner.add(self._read(data))

    def answer(self) -> Answer:
        """What the events so far add up to."""
        return with_usage(self._inner.answer(), usage_of([get(self._metrics, name) for name in _METRIC_NAMES]))


def with_usage(answer: Answer, usage: TokenUsage) -> Answer:
    """An answer with Bedrock's own count of its tokens, where the model's maker gives none."""
    return answer if answer.usage.known else answer._replace(usage=usage)


def usage_in(headers: Mapping[str, Any]) -> TokenUsage:
    """Bedrock's own count of the tokens of a whole answer, which is in its headers."""
    found = (headers.get(_HEADER.format(kind)) for kind in _KINDS)
    return usage_of([int(it) if isinstance(it, str) and it.isdigit() else None for it in found])


def usage_of(counts: list[Any]) -> TokenUsage:
    """The tokens; those of the cache are counted apart from the other input."""
    taken, returned, read, written = (count(it) for it in counts)
    if taken is None and returned is None:
        return NO_USAGE
    if taken is not None:
        taken += (read or 0) + (written or 0)
    return TokenUsage(taken, returned, read, written)


def _nova(body: Mapping[str, Any]) -> Request:
    return converse.request(body, streams=body["stream"])


def _same(data: Any) -> Any:
    return data


_CLAUDE = Endpoint(
    messages.request,
    lambda data: messages.answer(fields(data)),
    partial(ChunkCollector, MessageCollector, fields),
    anthropic_content.of_request,
)
_CHAT = Endpoint(
    requests.chat,
    lambda data: answers.chat(fields(data)),
    partial(ChunkCollector, ChatCollector, fields),
    openai_content.of_chat,
)
_NOVA = Endpoint(_nova, converse.answer, partial(ChunkCollector, converse.Collector, _same), content.of_request)
_PLAIN = Endpoint(plain.request, plain.answer, partial(ChunkCollector, plain.Collector, _same), plain.content)
