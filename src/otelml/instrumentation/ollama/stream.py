"""What Ollama's answers and the chunks of its streams add up to: the last chunk has counts and reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from otelml.instrumentation._genai.reading import count, text
from otelml.instrumentation.ollama import content
from otelml.telemetry.genai import NO_ANSWER, NO_USAGE, Answer, TokenUsage


def answer_of(result: Any) -> Answer:
    """Of a whole chat or generation."""
    return _answer(result, [result])


def _answer(last: Any, said: Sequence[Any] | None) -> Answer:
    taken, returned = count(getattr(last, "prompt_eval_count", None)), count(getattr(last, "eval_count", None))
    reason = text(getattr(last, "done_reason", None))
    return Answer(
        text(getattr(last, "model", None)),
        finish_reasons=() if reason is None else (reason,),
        usage=NO_USAGE if taken is None and returned is None else TokenUsage(taken, returned),
        content=None if said is None else partial(content.of_chunks, said, reason),
    )


class ChunkCollector:
    """Of chats and generations."""

    __slots__ = ("_last", "_said")

    def __init__(self, with_text: bool) -> None:
        self._last: Any = None
        self._said: list[Any] | None = [] if with_text else None

    def add(self, chunk: Any) -> None:
        """Take one chunk."""
        self._last = chunk
        if self._said is not None:
            self._said.append(chunk)

    def answer(self) -> Answer:
        """What the chunks so far add up to."""
        return _answer(self._last, self._said)


class ProgressCollector:
    """Of models on their way: their chunks are counted only."""

    def __init__(self, _with_text: bool) -> None:
        return

    def add(self, chunk: Any) -> None:
        """Take one chunk."""

    def answer(self) -> Answer:
        """Nothing is said of the model."""
        return NO_ANSWER
