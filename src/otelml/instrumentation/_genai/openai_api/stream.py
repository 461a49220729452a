"""What the chunks of OpenAI's streams add up to. Texts are kept only where content is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from otelml.instrumentation._genai.openai_api import answers
from otelml.instrumentation._genai.openai_api.usage import usage_of
from otelml.instrumentation._genai.reading import Parts, get, text
from otelml.telemetry.content import message, part
from otelml.telemetry.genai import NO_ANSWER, Answer, Message


class ChatCollector:
    """Of chat completions and legacy completions."""

    __slots__ = ("_id", "_model", "_reasons", "_said", "_usage")

    def __init__(self, with_text: bool) -> None:
        self._id: str | None = None
        self._model: str | None = None
        self._usage: Any = None
        self._reasons: dict[int, str] = {}
        self._said: dict[int, Said] | None = {} if with_text else None

    def add(self, chunk: Any) -> None:
        """Take one chunk; nearly all bring a piece of text and nothing else."""
        try:
            if self._id and self._said is None and chunk.usage is None:
                for choice in chunk.choices:
                    if choice.finish_reason is not None:
                        break
                else:
                    return
        except (AttributeError, TypeError):
            pass  # some servers leave fields out, or send chunks without choices
        self._add(chunk)

    def _add(self, chunk: Any) -> None:
        if not self._id:  # Azure's first chunk has neither id nor model
            self._id = text(getattr(chunk, "id", None))
            self._model = text(getattr(chunk, "model", None)) or self._model
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            self._usage = usage
        for choice in getattr(chunk, "choices", None) or ():
            reason = getattr(choice, "finish_reason", None)
            if reason is not None:
                self._reasons[choice.index] = str(reason)
                if self._usage is None:
                    self._usage = getattr(getattr(chunk, "x_groq", None), "usage", None)
            if self._said is not None:
                self._said.setdefault(choice.index, Said()).add(choice)

    def answer(self) -> Answer:
        """What the chunks so far add up to."""
        reasons = [self._reasons[index] for index in sorted(self._reasons)]
        told = None if self._said is None else partial(_told, self._said, self._reasons)
        return Answer(self._model, self._id, tuple(reasons), usage_of(self._usage), content=told)


class Said:
    """The texts and tool calls of one choice."""

    __slots__ = ("_calls", "_texts", "_thoughts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, list[Any]] = {}

    def add(self, choice: Any) -> None:
        """Take what one chunk says."""
        delta = getattr(choice, "delta", None)
        said = getattr(choice, "text", None) if delta is None else get(delta, "content")
        if isinstance(said, str):
            self._texts.append(said)
        thought = get(delta, "reasoning_content") or get(delta, "reasoning")
        if isinstance(thought, str):
            self._thoughts.append(thought)
        for call in get(delta, "tool_calls") or ():
            self._calls.setdefault(call.index, []).append(call)

    def parts(self) -> Parts:
        """The parts of the message that they add up to."""
        parts: Parts = []
        if self._thoughts:
            parts.append(part("reasoning", content="".join(self._thoughts)))
        if self._texts:
            parts.append(part("text", content="".join(self._texts)))
        return parts + [_call(pieces) for _, pieces in sorted(self._calls.items())]


def _call(pieces: Sequence[Any]) -> dict[str, object]:
    functions = [function for piece in pieces if (function := getattr(piece, "function", None)) is not None]
    arguments = "".join(getattr(function, "arguments", None) or "" for function in functions)
    name = next((found for function in functions if (found := getattr(function, "name", None))), None)
    id_ = next((found for piece in pieces if (found := getattr(piece, "id", None))), None)
    return part("tool_call", id=id_, name=name, arguments=arguments)


def _told(said: dict[int, Said], reasons: dict[int, str]) -> list[Message]:
    return [message("assistant", said[index].parts(), reasons.get(index)) for index in sorted(said)]


class ResponseCollector:
    """Of responses, whose last event has the whole."""

    __slots__ = ("_answer", "_read", "_with_text")

    def __init__(self, with_text: bool, read: Callable[[Any], Answer] = answers.response) -> None:
        self._with_text = with_text
        self._read = read
        self._answer = NO_ANSWER

    def add(self, event: Any) -> None:
        """Take one event."""
        take = _EVENTS.get(getattr(event, "type", None))
        if take is not None:
            take(self, event)

    def _begin(self, event: Any) -> None:
        first = self._read(event.response)  # the rest of what it says is not final
        self._answer = Answer(first.model, first.id, conversation_id=first.conversation_id)

    def _end(self, event: Any) -> None:
        answer = self._read(event.response)
        self._answer = answer if self._with_text else answer._replace(content=None)

    def _fail(self, event: Any) -> None:
        self._answer = self._answer._replace(error=text(getattr(event, "code", None)) or "error")

    def answer(self) -> Answer:
        """What the events so far say."""
        return self._answer


_EVENTS: dict[str | None, Callable[[ResponseCollector, Any], None]] = {
    "response.created": ResponseCollector._begin,
    "response.completed": ResponseCollector._end,
    "response.incomplete": ResponseCollector._end,
    "response.failed": ResponseCollector._end,
    "error": ResponseCollector._fail,
}
"""The events that say more than a piece of the text."""


class OtherCollector:
    """Of images, speech and transcriptions, whose last event has the tokens."""

    __slots__ = ("_usage",)

    def __init__(self, _with_text: bool) -> None:
        self._usage: Any = None

    def add(self, event: Any) -> None:
        """Take one event."""
        usage = getattr(event, "usage", None)
        if usage is not None:
            self._usage = usage

    def answer(self) -> Answer:
        """What the events so far say."""
        return Answer(usage=usage_of(self._usage))
