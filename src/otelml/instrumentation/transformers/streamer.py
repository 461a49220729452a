"""The streamer that the application gives to `generate`: each token goes through its `put`, where it is timed."""

from __future__ import annotations

from typing import Any

import wrapt

from otelml.telemetry.genai import NO_ANSWER, Answer, GenAIOperation, StreamState
from otelml.telemetry.genai.timing import StreamFigures


class Untold:
    """Takes tokens, of which `generate` returns all."""

    __slots__ = ()

    def add(self, chunk: Any) -> None:
        """Take one."""

    def answer(self) -> Answer:
        """Nothing."""
        return NO_ANSWER


class Timed(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """A streamer whose tokens are timed. It is `isinstance`-true; only `generate` holds it."""

    def __init__(self, streamer: Any) -> None:
        super().__init__(streamer)
        self._self_state: StreamState | None = None
        self._self_prompted = False

    def put(self, value: Any) -> Any:
        """Take token ids; see the library. The first ones are those of the prompt."""
        if not self._self_prompted:
            self._self_prompted = True
        elif self._self_state is not None:
            self._self_state.take(value)
        return self.__wrapped__.put(value)

    def _self_begin(self, operation: GenAIOperation) -> None:
        self._self_state = StreamState(operation, Untold())

    def _self_figures(self) -> StreamFigures:
        return StreamFigures() if self._self_state is None else self._self_state.clock.figures()
