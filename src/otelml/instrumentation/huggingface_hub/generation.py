"""Pure: text generation, which returns texts, or details of them with the number of tokens where that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import count, get, scalars, text, texts, words
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import NO_USAGE, Answer, Content, Request, TokenUsage

_FIELDS = {
    "frequency_penalty": "frequency_penalty",
    "max_new_tokens": "max_tokens",
    "seed": "seed",
    "stream": "stream",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
}


def asked(body: Mapping[str, Any]) -> Request:
    """What is asked for; tokens are told only with the details."""
    fields = scalars(body, _FIELDS)
    stop = words(body.get("stop"))
    if stop:
        fields["stop_sequences"] = stop
    return Request(Operations.TEXT_COMPLETION, text(body.get("model")), fields, metered=body.get("details") is True)


def answer(result: Any) -> Answer:
    """Of a whole text, or of its details."""
    said = result if isinstance(result, str) else get(result, "generated_text")
    return _answer(get(result, "details"), [said])


def _answer(details: Any, said: list[Any] | None) -> Answer:
    reason = text(get(details, "finish_reason"))
    returned = count(get(details, "generated_tokens"))
    prefill = get(details, "prefill")  # empty unless the application asks for the tokens of the prompt
    taken = len(prefill) if isinstance(prefill, list) and prefill else count(get(details, "input_length"))
    return Answer(
        finish_reasons=() if reason is None else (reason,),
        usage=NO_USAGE if returned is None else TokenUsage(taken, returned),
        content=None if said is None else partial(_told, said, reason),
    )


def _told(said: list[Any], reason: str | None) -> list[dict[str, object]]:
    return [message("assistant", texts("".join(it for it in said if isinstance(it, str))), reason)]


def content(body: Mapping[str, Any]) -> Content:
    """What the model is told."""
    return Content([message("user", [part("text", content=body.get("prompt"))])])


class GenerationCollector:
    """Of texts, or of tokens whose last one has the details."""

    __slots__ = ("_details", "_said")

    def __init__(self, with_text: bool) -> None:
        self._details: Any = None
        self._said: list[Any] | None = [] if with_text else None

    def add(self, chunk: Any) -> None:
        """Take one chunk."""
        if isinstance(chunk, str):
            said: Any = chunk
        else:
            self._details = get(chunk, "details") or self._details
            said = get(get(chunk, "token"), "text")
        if self._said is not None:
            self._said.append(said)

    def answer(self) -> Answer:
        """What the chunks so far add up to."""
        return _answer(self._details, self._said)
