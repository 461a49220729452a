"""Pure: the generation of content: what is asked, what is answered, what streams add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import count, get, items, scalars, text, whole, words
from otelml.instrumentation.google_genai import content
from otelml.instrumentation.google_genai.models import model_in, parsed
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.genai import NO_USAGE, Answer, Request, TokenUsage

_FIELDS = {
    "frequencyPenalty": "frequency_penalty",
    "maxOutputTokens": "max_tokens",
    "presencePenalty": "presence_penalty",
    "seed": "seed",
    "temperature": "temperature",
    "topP": "top_p",
}
_FINISHED = '"finishReason"'
_MAX_FINISHED = 16


def request(given: Mapping[str, Any]) -> Request:
    """Of a request for content."""
    config = given.get("generationConfig")
    config = config if isinstance(config, Mapping) else {}
    fields = scalars(config, _FIELDS)
    top_k, choices = whole(config.get("topK")), count(config.get("candidateCount"))
    if top_k is not None:
        fields["top_k"] = top_k
    if choices is not None and choices != 1:
        fields["choice_count"] = choices
    stop = words(config.get("stopSequences"))
    if stop:
        fields["stop_sequences"] = stop
    if config.get("responseMimeType") == "application/json":
        fields["output_type"] = Outputs.JSON
    thinking = config.get("thinkingConfig")
    # The client leaves the names of these as Python writes them.
    level = text(get(thinking, "thinkingLevel")) or text(get(thinking, "thinking_level"))
    if level is not None:
        fields["reasoning_level"] = level.lower()
    if ":stream" in given["path"]:
        fields["stream"] = True
    return Request(Operations.GENERATE_CONTENT, model_in(given), fields)


def answer(result: Any) -> Answer:
    """Of a whole answer."""
    return _answer([parsed(result.body)], with_text=True)


def _answer(pieces: Iterable[Mapping[str, Any]], *, with_text: bool) -> Answer:
    model = id_ = None
    reasons: list[str] = []
    usage: Any = None
    found = list(pieces)
    for piece in found:
        model, id_ = text(piece.get("modelVersion")) or model, text(piece.get("responseId")) or id_
        usage = piece.get("usageMetadata") or usage
        reasons.extend(_reasons(piece))
    told = partial(content.of_answers, found) if with_text else None
    return Answer(model, id_, tuple(reasons), usage_of(usage), content=told)


def _reasons(piece: Mapping[str, Any]) -> list[str]:
    # In lower case, as OpenTelemetry's own instrumentation tells them.
    found = [text(get(it, "finishReason")) for it in items(piece.get("candidates"))]
    if not found:
        found = [text(get(piece.get("promptFeedback"), "blockReason"))]
    return [reason.lower() for reason in found if reason is not None]


def usage_of(usage: Any) -> TokenUsage:
    """The tokens: those of tools' results count as input, and thoughts, which Google counts apart, as output."""
    taken, returned, thoughts = (
        count(get(usage, f"{kind}TokenCount")) for kind in ("prompt", "candidates", "thoughts")
    )
    if taken is None and returned is None and thoughts is None:
        return NO_USAGE
    tools = count(get(usage, "toolUsePromptTokenCount"))
    return TokenUsage(
        None if taken is None else taken + (tools or 0),
        None if returned is None and thoughts is None else (returned or 0) + (thoughts or 0),
        count(get(usage, "cachedContentTokenCount")),
        None,
        thoughts,
        _audio(get(usage, "promptTokensDetails")),
        _audio(get(usage, "candidatesTokensDetails")),
    )


def _audio(details: object) -> int | None:
    return next((count(get(it, "tokenCount")) for it in items(details) if get(it, "modality") == "AUDIO"), None)


class Collector:
    """Of a stream: each piece has the counts so far, so only the last is read, and those that end a candidate."""

    __slots__ = ("_finished", "_last", "_pieces")

    def __init__(self, with_text: bool) -> None:
        self._last: str | None = None
        self._finished: list[str] = []
        self._pieces: list[str] | None = [] if with_text else None

    def add(self, piece: Any) -> None:
        """Take one piece."""
        self._last = body = piece.body
        if self._pieces is not None:
            self._pieces.append(body)
        elif body and _FINISHED in body and len(self._finished) < _MAX_FINISHED:
            self._finished.append(body)

    def answer(self) -> Answer:
        """What the pieces so far add up to."""
        if self._pieces is not None:
            return _answer(map(parsed, self._pieces), with_text=True)
        found = self._finished
        if self._last is not None and (not found or found[-1] is not self._last):
            found = [*found, self._last]
        return _answer(map(parsed, found), with_text=False)
