"""What calls of Bedrock return with aiobotocore (2.25): a stream of events, or a body that aiohttp reads."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import wrapt

from otelml._guard import guarded
from otelml.telemetry.genai import Collector, GenAIOperation, StreamState
from otelml.telemetry.genai.stream import AsyncStream


class Events(AsyncStream):
    """A stream of events, whose `close` is no coroutine function."""

    def close(self, *args: Any, **kwargs: Any) -> Any:
        """Close the stream; see botocore."""
        try:
            return self.__wrapped__.close(*args, **kwargs)
        finally:
            self._self_state.leave()


@guarded
def events(stream: Any, operation: GenAIOperation, make: Callable[[bool], Collector]) -> Any:
    """The proxy of a stream, whose end is the operation's end."""
    return Events(stream, StreamState(operation, make(operation.telemetry.content.wanted)))


def body(given: Any, operation: GenAIOperation, collector: Collector) -> Any:
    """The body again, around a response that tells what is read; None where it is not one of aiobotocore's."""
    response = getattr(given, "__wrapped__", None)
    if not hasattr(getattr(response, "content", None), "read") or not hasattr(given, "_self_content_length"):
        return None
    return type(given)(Response(response, operation, collector), given._self_content_length)


class Pieces(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """What reads the pieces of a response."""

    def __init__(self, content: Any, collector: Collector, state: StreamState) -> None:
        super().__init__(content)
        self._self_collector = collector
        self._self_state = state

    async def read(self, n: int = -1) -> bytes:
        """Read so many bytes, or all; see aiohttp."""
        try:
            piece: bytes = await self.__wrapped__.read(n)
        except BaseException as error:
            self._self_state.fail(error)
            raise
        self._self_took(piece, n == -1 or (n > 0 and not piece))
        return piece

    @guarded
    def _self_took(self, piece: bytes, is_last: bool) -> None:
        if self._self_state.ended:
            return
        self._self_collector.add(piece)
        self._self_state.clock.last = perf_counter_ns()
        if is_last:
            self._self_state.finish()


class Response(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The HTTP response below aiobotocore's `StreamingBody`."""

    def __init__(self, response: Any, operation: GenAIOperation, collector: Collector) -> None:
        super().__init__(response)
        self._self_state = StreamState(operation, collector)
        self._self_state.clock.last = perf_counter_ns()  # the model has said everything: what follows is a transfer
        self._self_content = Pieces(response.content, collector, self._self_state)

    @property
    def content(self) -> Pieces:
        """What reads the pieces."""
        return self._self_content

    async def __aenter__(self) -> Any:
        entered = await self.__wrapped__.__aenter__()
        return self if entered is self.__wrapped__ else entered

    async def __aexit__(self, *exception: Any) -> Any:
        try:
            return await self.__wrapped__.__aexit__(*exception)
        finally:
            self._self_state.leave()

    def close(self) -> Any:
        """Close the response; see aiohttp."""
        try:
            return self.__wrapped__.close()
        finally:
            self._self_state.leave()

    def __del__(self) -> None:
        state = getattr(self, "_self_state", None)
        if state is not None:
            state.drop()
