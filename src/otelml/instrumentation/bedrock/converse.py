"""Pure: the Converse API, whose form Nova's own API shares: what is asked, what is answered, what streams add up to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import Parts, count, get, scalars, text, words
from otelml.instrumentation.bedrock import content
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.semconv.attributes import GenAiOutputType as Outputs
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import NO_USAGE, Answer, Message, Request, TokenUsage

_FIELDS = {
    "maxTokens": "max_tokens",
    "max_new_tokens": "max_tokens",  # Nova's other name
    "temperature": "temperature",
    "topK": "top_k",
    "topP": "top_p",
}
_MORE_FIELDS = {"top_k": "top_k", "topK": "top_k"}
_MODEL_RESOURCES = (":foundation-model/", ":inference-profile/")
"""The resources of AWS whose names end with the model's; those of others say nothing to anyone but their owner."""


def model_of(id_: object) -> str | None:
    """The model that an id of a model, or the name of a resource (ARN), stands for."""
    name = text(id_)
    if name is not None and name.startswith("arn:") and any(it in name for it in _MODEL_RESOURCES):
        return name.rpartition("/")[2]
    return name


def request(given: Mapping[str, Any], streams: bool = False) -> Request:
    """Of a request for a conversation's next message."""
    config, more, output = (
        given.get(key) for key in ("inferenceConfig", "additionalModelRequestFields", "outputConfig")
    )
    fields = scalars(config, _FIELDS) if isinstance(config, Mapping) else {}
    if isinstance(more, Mapping):
        fields.update(scalars(more, _MORE_FIELDS))
    stop = words(get(config, "stopSequences"))
    if stop:
        fields["stop_sequences"] = stop
    if get(get(output, "textFormat"), "type") == "json_schema":
        fields["output_type"] = Outputs.JSON
    effort = text(get(output, "effort"))
    if effort is not None:
        fields["reasoning_level"] = effort
    if streams:
        fields["stream"] = True
    return Request(Operations.CHAT, model_of(given.get("modelId")), fields)


def usage_of(usage: Any) -> TokenUsage:
    """The tokens: what was read from the cache, or written to it, is counted apart from the other input."""
    taken, returned = count(get(usage, "inputTokens")), count(get(usage, "outputTokens"))
    if taken is None and returned is None:
        return NO_USAGE
    read, written = (_cached(usage, f"cache{kind}InputToken") for kind in ("Read", "Write"))
    if taken is not None:
        taken += (read or 0) + (written or 0)
    return TokenUsage(taken, returned, read, written)


def _cached(usage: Any, name: str) -> int | None:
    found = count(get(usage, f"{name}s"))
    return count(get(usage, f"{name}Count")) if found is None else found  # as Nova's own API calls it


def answer(result: Mapping[str, Any]) -> Answer:
    """Of a whole answer."""
    reason = text(result.get("stopReason"))
    said = get(get(result.get("output"), "message"), "content")
    return Answer(
        finish_reasons=() if reason is None else (reason,),
        usage=usage_of(result.get("usage")),
        content=partial(content.of_answer, said, reason),
    )


class Collector:
    """Of a stream."""

    __slots__ = ("_blocks", "_reason", "_usage")

    def __init__(self, with_text: bool) -> None:
        self._reason: str | None = None
        self._usage: Any = None
        self._blocks: dict[int, Block] | None = {} if with_text else None

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one event, whose only key is its kind."""
        if "contentBlockDelta" in event:
            if self._blocks is not None:
                self._block(event["contentBlockDelta"]).add(event["contentBlockDelta"]["delta"])
        elif "contentBlockStart" in event:
            if self._blocks is not None:
                self._block(event["contentBlockStart"]).start = event["contentBlockStart"].get("start")
        elif "messageStop" in event:
            self._reason = text(event["messageStop"].get("stopReason"))
        elif "metadata" in event:
            self._usage = event["metadata"].get("usage")

    def _block(self, event: Mapping[str, Any]) -> Block:
        assert self._blocks is not None
        return self._blocks.setdefault(event["contentBlockIndex"], Block())

    def answer(self) -> Answer:
        """What the events so far add up to."""
        told = None if self._blocks is None else partial(_told, self._blocks, self._reason)
        reasons = () if self._reason is None else (self._reason,)
        return Answer(finish_reasons=reasons, usage=usage_of(self._usage), content=told)


class Block:
    """One block of a streamed message.

    Attributes:
        start: how it was begun, which only those of tools are.
    """

    __slots__ = ("_input", "_text", "_thought", "start")

    def __init__(self) -> None:
        self.start: Any = None
        self._text: list[str] = []
        self._thought: list[str] = []
        self._input: list[str] = []

    def add(self, delta: Mapping[str, Any]) -> None:
        """Take what one event adds."""
        for piece, pieces in (
            (delta.get("text"), self._text),
            (get(delta.get("reasoningContent"), "text"), self._thought),
            (get(delta.get("toolUse"), "input"), self._input),
        ):
            if isinstance(piece, str):
                pieces.append(piece)

    def parts(self) -> Parts:
        """The parts that it is."""
        parts: Parts = []
        if self._thought:
            parts.append(part("reasoning", content="".join(self._thought)))
        if self._text:
            parts.append(part("text", content="".join(self._text)))
        tool = get(self.start, "toolUse")
        if tool is not None:
            parts.append(content.tool_call(tool, "".join(self._input)))
        return parts


def _told(blocks: Mapping[int, Block], reason: str | None) -> list[Message]:
    return [message("assistant", [it for index in sorted(blocks) for it in blocks[index].parts()], reason)]
