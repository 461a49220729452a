"""What the answers and the events of Mistral's streams add up to."""

from __future__ import annotations

from functools import partial
from typing import Any

from otelml.instrumentation._genai.openai_api import answers
from otelml.instrumentation._genai.openai_api.stream import ChatCollector, ResponseCollector
from otelml.instrumentation._genai.openai_api.usage import usage_of
from otelml.instrumentation._genai.reading import count, get, text
from otelml.instrumentation.mistralai import content
from otelml.telemetry.genai import NO_USAGE, Answer, TokenUsage


def chat_answer(result: Any) -> Answer:
    """Of a whole completion."""
    answer = answers.chat(result)
    return answer._replace(usage=_with_cached(answer.usage, getattr(result, "usage", None)))


def _with_cached(usage: TokenUsage, told: Any) -> TokenUsage:
    # The client (3.7) has no field for them, and keeps what the API tells as a dictionary.
    cached = count(get(getattr(told, "prompt_tokens_details", None), "cached_tokens"))
    return usage if cached is None else usage._replace(cache_read=cached)


class ChunkCollector(ChatCollector):
    """Of completions, whose chunks come in events."""

    __slots__ = ()

    def add(self, chunk: Any) -> None:
        """Take one event."""
        super().add(chunk.data)

    def answer(self) -> Answer:
        """What the events so far add up to."""
        answer = super().answer()
        return answer._replace(usage=_with_cached(answer.usage, self._usage))


class FrameCollector(ResponseCollector):
    """Of responses, whose events come in frames."""

    __slots__ = ()

    def add(self, event: Any) -> None:
        """Take one frame."""
        super().add(event.data)


class ConversationCollector:
    """Of the turn of a conversation."""

    __slots__ = ("_conversation", "_error", "_said", "_usage")

    def __init__(self, with_text: bool) -> None:
        self._conversation: str | None = None
        self._usage = NO_USAGE
        self._error: str | None = None
        self._said: list[Any] | None = [] if with_text else None

    def add(self, chunk: Any) -> None:
        """Take one event."""
        data = chunk.data
        kind = getattr(data, "type", None)
        if kind == "message.output.delta":
            if self._said is not None:
                self._said.append(data)
        elif kind == "conversation.response.started":
            self._conversation = text(data.conversation_id)
        elif kind == "conversation.response.done":
            self._usage = usage_of(data.usage)
        elif kind == "conversation.response.error":
            self._error = str(data.code)

    def answer(self) -> Answer:
        """What the events so far add up to."""
        told = None if self._said is None else partial(content.of_deltas, self._said)
        return Answer(conversation_id=self._conversation, usage=self._usage, content=told, error=self._error)
