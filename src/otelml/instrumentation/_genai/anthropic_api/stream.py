"""What the events of Anthropic's streams add up to. Texts are kept only where content is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from otelml.instrumentation._genai.anthropic_api import content
from otelml.instrumentation._genai.anthropic_api.messages import counts_of, usage_of
from otelml.instrumentation._genai.reading import Parts, text
from otelml.telemetry.content import message
from otelml.telemetry.genai import NO_ANSWER, Answer, Message

_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
"""What a delta adds, and under which name it does."""
_BLOCKS = {"text": "text", "thinking": "thinking"}
"""Where the blocks have what the deltas add; those of tools have it as `input`."""


class MessageCollector:
    """Of a message."""

    __slots__ = ("_blocks", "_counts", "_id", "_model", "_reason")

    def __init__(self, with_text: bool) -> None:
        self._id: str | None = None
        self._model: str | None = None
        self._reason: str | None = None
        self._counts: dict[str, int] = {}
        self._blocks: dict[int, Block] | None = {} if with_text else None

    def add(self, event: Any) -> None:
        """Take one event."""
        kind = getattr(event, "type", None)
        if kind == "content_block_delta":
            if self._blocks is not None and event.index in self._blocks:
                self._blocks[event.index].add(event.delta)
        elif kind == "message_delta":
            self._reason = text(getattr(event.delta, "stop_reason", None)) or self._reason
            self._counts.update(
                counts_of(getattr(event, "usage", None))
            )  # they are those of the message so far, not of the delta
        elif kind == "message_start":
            self._start(event.message)
        elif kind == "content_block_start" and self._blocks is not None:
            self._blocks[event.index] = Block(event.content_block)

    def _start(self, begun: Any) -> None:
        self._id, self._model = text(getattr(begun, "id", None)), text(getattr(begun, "model", None))
        self._counts = counts_of(getattr(begun, "usage", None))
        self._counts.pop("output_tokens", None)  # a placeholder until the first `message_delta`

    def answer(self) -> Answer:
        """What the events so far add up to."""
        told = None if self._blocks is None else partial(_told, self._blocks, self._reason)
        reasons = () if self._reason is None else (self._reason,)
        return Answer(self._model, self._id, reasons, usage_of(self._counts), content=told)


class Block:
    """One block of a message, as it was begun, and what was added to it."""

    __slots__ = ("_begun", "_pieces")

    def __init__(self, begun: Any) -> None:
        self._begun = begun
        self._pieces: list[str] = []

    def add(self, delta: Any) -> None:
        """Take what one event adds."""
        name = _PIECES.get(delta.type)
        if name is not None:
            self._pieces.append(getattr(delta, name))

    def part(self) -> dict[str, object]:
        """The part that it is."""
        begun: Mapping[str, Any] = self._begun.to_dict()
        if not self._pieces:
            return content.parts([begun])[0]
        key = _BLOCKS.get(begun["type"], "input")
        return content.parts([{**begun, key: "".join(self._pieces)}])[0]


def _told(blocks: Mapping[int, Block], reason: str | None) -> list[Message]:
    parts: Parts = [blocks[index].part() for index in sorted(blocks)]
    return [message("assistant", parts, reason)]


class OtherCollector:
    """Of streams that are no message: events of sessions, lines of results."""

    __slots__ = ()

    def __init__(self, _with_text: bool) -> None:
        """Nothing of them is kept."""

    def add(self, event: Any) -> None:
        """Take one event."""

    def answer(self) -> Answer:
        """Nothing."""
        return NO_ANSWER
