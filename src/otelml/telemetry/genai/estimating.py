"""The tokens of a stream that does not tell them, counted with a local tokenizer on a thread of ours.

The application's thread only collects what a stream says, two thousand characters at a time; each such piece is counted
and dropped. At the end of the stream the request is counted as well, and only then is the call reported, with the times
that it had.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from otelml._guard import guarded
from otelml.observations.genai import NO_USAGE, TokenUsage
from otelml.telemetry.genai import capture
from otelml.telemetry.genai.abandoned import UNDERTAKER
from otelml.telemetry.genai.facts import Answer, Content, Endpoint
from otelml.telemetry.genai.timing import StreamFigures
from otelml.telemetry.genai.tokenizers import Count, Tokenizer

End = Callable[[Answer, StreamFigures, int], None]

_PIECE = 2048
_MAX_WAITING = 1000
"""When so much waits for the thread, further streams go without an estimate."""
_MAX_INPUT = 400_000
"""Of a longer prompt, in characters, the beginning is counted, and the rest by the same ratio."""
_A_MESSAGE, _THE_ANSWER = 3, 3
"""The tokens that frame a message, and the answer to come (OpenAI's cookbook, for its chat models since gpt-3.5)."""
_FRAMES = ("type", "id", "modality", "mime_type", "uri", "file_id")
"""What of a part is no text of the model's input: images and audio are not counted."""


class Estimate:
    """The tokens of one stream."""

    __slots__ = ("_endpoint", "_given", "_is_lost", "_pieces", "_said", "_size", "_tokenizer", "_tokens")

    def __init__(self, endpoint: Endpoint, given: Any, tokenizer: Tokenizer) -> None:
        assert endpoint.said is not None
        self._endpoint = endpoint
        self._given = given
        self._said = endpoint.said
        self._tokenizer = tokenizer
        self._pieces: list[str] = []
        self._size = 0
        self._tokens: int | None = None
        self._is_lost = False

    def hear(self, collect: Callable[[Any], None]) -> Callable[[Any], None]:
        """The same as `collect` for each chunk, and collects what it says."""

        def collect_and_hear(chunk: Any) -> None:
            collect(chunk)
            text = self._said(chunk)
            if text:
                self._pieces.append(text)
                self._size += len(text)
                if self._size >= _PIECE:
                    self._hand_over()

        return collect_and_hear

    def _hand_over(self) -> None:
        text = "".join(self._pieces)
        cut = text.rfind(" ", 1)  # a token may begin with a space, and none goes beyond one
        if cut < 0:
            cut = len(text)
        self._pieces, self._size = [text[cut:]], len(text) - cut
        if self._is_lost or UNDERTAKER.waiting > _MAX_WAITING:
            self._is_lost = True
        else:
            UNDERTAKER.take(partial(self._add, text[:cut]))

    def complete(self, answer: Answer, figures: StreamFigures, ended: int, end: End) -> None:
        """End the stream's operation when its tokens have been counted.

        Args:
            answer: without tokens.
            figures: the stream's times.
            ended: by `perf_counter_ns`.
            end: ends the operation.
        """
        if self._is_lost or UNDERTAKER.waiting > _MAX_WAITING:
            end(answer, figures, ended)
            return
        # Now: the application may go on with its list of messages.
        read = self._endpoint.content
        asked = None if read is None else capture.read(read, self._given)
        UNDERTAKER.take(partial(self._end, asked, answer, figures, ended, end))

    @guarded
    def _end(self, asked: Content | None, answer: Answer, figures: StreamFigures, ended: int, end: End) -> None:
        end(answer._replace(usage=self._usage(asked) or NO_USAGE), figures, ended)

    @guarded
    def _usage(self, asked: Content | None) -> TokenUsage:
        count = self._tokenizer.count
        if count is None:
            return NO_USAGE
        self._add("".join(self._pieces))
        return TokenUsage(None if asked is None else _of_request(asked, count), self._tokens, estimated=True)

    @guarded
    def _add(self, text: str) -> None:
        if text and self._tokenizer.count is not None:
            self._tokens = (self._tokens or 0) + self._tokenizer.count(text)


def _of_request(asked: Content, count: Count) -> int:
    texts = list(_texts((asked.messages, asked.instructions)))
    if asked.tools:
        texts.append(json.dumps(asked.tools, default=str))
    length, room, tokens = sum(map(len, texts)), _MAX_INPUT, 0
    for text in texts:
        tokens += count(text[:room])
        room = max(room - len(text), 0)
    if length > _MAX_INPUT:
        tokens = tokens * length // _MAX_INPUT
    return tokens + len(asked.messages) * _A_MESSAGE + _THE_ANSWER


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        if value.get("type") != "blob":
            for key, item in value.items():
                if key not in _FRAMES:
                    yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
