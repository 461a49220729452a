"""Pure: models that complete a text, embed one, or make images, in the forms of Titan, Llama, Mistral and Cohere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import count, get, items, scalars, text, texts, words
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import NO_USAGE, Answer, Content, Message, Request, TokenUsage

_FIELDS = {
    "dimensions": "dimensions",
    "k": "top_k",
    "max_gen_len": "max_tokens",
    "max_tokens": "max_tokens",
    "max_tokens_to_sample": "max_tokens",
    "maxTokenCount": "max_tokens",
    "p": "top_p",
    "seed": "seed",
    "stream": "stream",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "topP": "top_p",
}
_STOPS = ("stop_sequences", "stopSequences", "stop")
_PROMPTS = ("prompt", "inputText", "message")
_EMBEDDING = ("embed",)
_IMAGE = ("stability.", "titan-image", "nova-canvas")
_TEXTS = ("outputText", "generation", "text", "completion")
_REASONS = ("completionReason", "stop_reason", "finish_reason")
_INPUTS = ("inputTextTokenCount", "prompt_token_count")
_OUTPUTS = ("totalOutputTextTokenCount", "generation_token_count", "tokenCount")
_LISTS = ("results", "generations", "outputs")
"""Where whole answers of Titan, Cohere and Mistral have their texts."""


def is_other_than_text(model: str) -> bool:
    """Whether a model embeds texts or makes images."""
    return any(word in model for word in (*_EMBEDDING, *_IMAGE))


def request(body: Mapping[str, Any]) -> Request:
    """Of the body of an invocation."""
    config = body.get("textGenerationConfig")
    fields = scalars({**body, **config} if isinstance(config, Mapping) else body, _FIELDS)
    stop = next((found for name in _STOPS if (found := words(get(config, name) or body.get(name)))), ())
    if stop:
        fields["stop_sequences"] = stop
    model = text(body.get("model"))
    if any(word in (model or "") for word in _IMAGE):
        fields["output_type"] = Outputs.IMAGE
        return Request(Operations.IMAGE_GENERATION, model, fields, metered=False)
    if any(word in (model or "") for word in _EMBEDDING):
        return Request(Operations.EMBEDDINGS, model, fields)
    is_chat = "message" in body or "messages" in body
    return Request(Operations.CHAT if is_chat else Operations.TEXT_COMPLETION, model, fields)


def content(body: Mapping[str, Any]) -> Content:
    """The prompt."""
    prompt = next((found for name in _PROMPTS if (found := body.get(name)) is not None), None)
    return Content([] if prompt is None else [message("user", texts(prompt))])


def answer(data: Mapping[str, Any]) -> Answer:
    """Of a whole answer: it is like a stream of one piece."""
    collector = Collector(True)
    collector.add(data)
    return collector.answer()


class Collector:
    """Of a stream."""

    __slots__ = ("_id", "_input", "_output", "_reasons", "_texts")

    def __init__(self, with_text: bool) -> None:
        self._id: str | None = None
        self._input: int | None = None
        self._output: int | None = None
        self._reasons: list[str] = []
        self._texts: list[str] | None = [] if with_text else None

    def add(self, data: Mapping[str, Any]) -> None:
        """Take one piece."""
        self._id = self._id or text(data.get("id")) or text(data.get("response_id"))
        for entry in (data, *(it for name in _LISTS for it in items(data.get(name)))):
            self._take(entry)

    def _take(self, entry: Any) -> None:
        taken, returned = _first(entry, _INPUTS), _first(entry, _OUTPUTS)
        self._input = self._input if taken is None else taken
        self._output = self._output if returned is None else returned
        self._reasons.extend(reason for name in _REASONS if (reason := text(get(entry, name))) is not None)
        if self._texts is not None:
            self._texts.extend(said for name in _TEXTS if (said := text(get(entry, name))) is not None)

    def answer(self) -> Answer:
        """What the pieces so far add up to."""
        known = self._input is not None or self._output is not None
        usage = TokenUsage(self._input, self._output) if known else NO_USAGE
        reasons = tuple(self._reasons)
        told = None if self._texts is None else partial(_told, self._texts, reasons[-1] if reasons else None)
        return Answer(id=self._id, finish_reasons=reasons, usage=usage, content=told)


def _first(entry: Any, keys: tuple[str, ...]) -> int | None:
    return next((found for name in keys if (found := count(get(entry, name))) is not None), None)


def _told(said: list[str], reason: str | None) -> list[Message]:
    return [message("assistant", [part("text", content="".join(said))] if said else [], reason)]
