"""What the events of Cohere's streams add up to: the last one has tokens and reason."""

from __future__ import annotations

from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import get, text
from otelml.instrumentation.cohere import answers, content
from otelml.telemetry.genai import NO_ANSWER, NO_USAGE, Answer


class ChatCollector:
    """Of chats."""

    __slots__ = ("_error", "_id", "_reasons", "_said", "_usage")

    def __init__(self, with_text: bool) -> None:
        self._id: str | None = None
        self._reasons: tuple[str, ...] = ()
        self._usage = NO_USAGE
        self._error: str | None = None
        self._said: list[Any] | None = [] if with_text else None

    def add(self, chunk: Any) -> None:
        """Take one event."""
        kind = getattr(chunk, "type", None)
        if kind == "message-start":
            self._id = text(chunk.id)
        elif kind == "message-end":
            self._reasons = answers.reasons_of(chunk.delta)
            self._usage = answers.usage_of(getattr(chunk.delta, "usage", None))
            if self._reasons == ("ERROR",):
                self._error = self._reasons[0]
        elif self._said is not None:
            self._said.append(chunk)

    def answer(self) -> Answer:
        """What the events so far add up to."""
        told = None if self._said is None else partial(content.of_events, self._said, self._reasons)
        return Answer(id=self._id, finish_reasons=self._reasons, usage=self._usage, content=told, error=self._error)


class OldChatCollector:
    """Of chats of the API's first version, whose last event has the whole."""

    __slots__ = ("_answer", "_with_text")

    def __init__(self, with_text: bool) -> None:
        self._with_text = with_text
        self._answer = NO_ANSWER

    def add(self, chunk: Any) -> None:
        """Take one event."""
        if getattr(chunk, "event_type", None) == "stream-end":
            answer = answers.old_chat(get(chunk, "response"))._replace(finish_reasons=answers.reasons_of(chunk))
            self._answer = answer if self._with_text else answer._replace(content=None)

    def answer(self) -> Answer:
        """What the events so far add up to."""
        return self._answer
