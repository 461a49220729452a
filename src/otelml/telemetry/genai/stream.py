"""Streamed answers: proxies that count chunks and end the call's operation once, however the stream ends.

A proxy is `isinstance`-true and has all attributes of what it stands for. Per chunk it does no more than read a clock,
count, and hand the chunk to the collector. No context is made current between or during chunks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import wrapt

from otelml._guard import guarded
from otelml.telemetry.genai.abandoned import UNDERTAKER
from otelml.telemetry.genai.facts import Collector
from otelml.telemetry.genai.operation import GenAIOperation
from otelml.telemetry.genai.timing import ChunkClock


class StreamState:
    """One stream's operation, clock and collector, apart from the proxy that the application holds.

    Attributes:
        clock: the times of the chunks.
    """

    __slots__ = ("_collect", "_collector", "_operation", "_record_gap", "clock", "ended")

    def __init__(self, operation: GenAIOperation, collector: Collector) -> None:
        self._operation = operation
        self._collector = collector
        self._collect = collector.add
        self.clock = ChunkClock(operation.began)
        telemetry = operation.telemetry
        self._record_gap = self._record if telemetry.settings.genai_chunk_histogram else None
        self.ended = False
        UNDERTAKER.expect()

    @guarded
    def take(self, chunk: Any) -> None:
        """Take one chunk."""
        gap = self.clock.tick()
        self._collect(chunk)
        if self._record_gap is not None:
            self._record_gap(gap)

    @guarded
    def _record(self, gap: int) -> None:
        if gap:
            operation = self._operation
            points = operation.target.points(None, None)
            operation.telemetry.instruments.chunk.record(gap * 1e-9, points.duration, operation.context)

    @guarded
    def finish(self) -> None:
        """The stream has come to its end."""
        self.ended = True
        self._operation.stop(self._collector.answer(), self.clock.figures())

    @guarded
    def fail(self, error: BaseException) -> None:
        """Reading the stream has raised."""
        self.ended = True
        self._operation.fail(error, self._collector.answer(), self.clock.figures())

    @guarded
    def leave(self) -> None:
        """The application has left the stream: no error, and over since it was last read."""
        self.ended = True
        self._operation.abandon(self._collector.answer(), self.clock.figures(), self.clock.last)

    @guarded
    def drop(self) -> None:
        """The application has dropped the stream; called in a finaliser."""
        if not self.ended:
            UNDERTAKER.take(self.leave)


class _Chunks:
    """Iterates what a proxy iterates, without its cost; holds the proxy, so that it is not dropped meanwhile."""

    __slots__ = ("_next", "_proxy", "_state")

    def __init__(self, source: Iterator[Any], state: StreamState, proxy: object) -> None:
        self._next = source.__next__
        self._state = state
        self._proxy = proxy

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            chunk = self._next()
        except StopIteration:
            self._state.finish()
            raise
        except BaseException as error:
            self._state.fail(error)
            raise
        self._state.take(chunk)
        return chunk


class _AsyncChunks:
    """The same, asynchronously."""

    __slots__ = ("_next", "_proxy", "_state")

    def __init__(self, source: AsyncIterator[Any], state: StreamState, proxy: object) -> None:
        self._next = source.__anext__
        self._state = state
        self._proxy = proxy

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            chunk = await self._next()
        except StopAsyncIteration:
            self._state.finish()
            raise
        except GeneratorExit:  # the application has closed the coroutine that reads
            self._state.leave()
            raise
        except BaseException as error:
            self._state.fail(error)
            raise
        self._state.take(chunk)
        return chunk


class _Stream(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """What both kinds of stream share. Attributes of ours start with `_self_`, wrapt's mark for the proxy's own."""

    def __init__(self, stream: Any, state: StreamState) -> None:
        super().__init__(stream)
        self._self_state = state

    def __del__(self) -> None:
        state = getattr(self, "_self_state", None)
        if state is not None:
            state.drop()


class SyncStream(_Stream):
    """A stream that is read with `for`, `next`, or `with`."""

    def __iter__(self) -> Iterator[Any]:
        return _Chunks(iter(self.__wrapped__), self._self_state, self)

    def __next__(self) -> Any:
        state: StreamState = self._self_state
        try:
            chunk = self.__wrapped__.__next__()
        except StopIteration:
            state.finish()
            raise
        except BaseException as error:
            state.fail(error)
            raise
        state.take(chunk)
        return chunk

    def __enter__(self) -> Any:
        entered = self.__wrapped__.__enter__()
        return self if entered is self.__wrapped__ else entered

    def __exit__(self, *exception: Any) -> Any:
        try:
            return self.__wrapped__.__exit__(*exception)
        finally:
            self._self_state.leave()

    def close(self, *args: Any, **kwargs: Any) -> Any:
        """Close the stream; see the library."""
        try:
            return self.__wrapped__.close(*args, **kwargs)
        finally:
            self._self_state.leave()


class AsyncStream(_Stream):
    """A stream that is read with `async for`, `anext`, or `async with`."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return _AsyncChunks(self.__wrapped__.__aiter__(), self._self_state, self)

    async def __anext__(self) -> Any:
        return await _AsyncChunks(self.__wrapped__, self._self_state, None).__anext__()

    async def __aenter__(self) -> Any:
        entered = await self.__wrapped__.__aenter__()
        return self if entered is self.__wrapped__ else entered

    async def __aexit__(self, *exception: Any) -> Any:
        try:
            return await self.__wrapped__.__aexit__(*exception)
        finally:
            self._self_state.leave()

    async def close(self, *args: Any, **kwargs: Any) -> Any:
        """Close the stream; see the library."""
        return await self._self_closed(self.__wrapped__.close(*args, **kwargs))

    async def aclose(self) -> Any:
        """Close the stream, of a library whose streams are asynchronous generators."""
        return await self._self_closed(self.__wrapped__.aclose())

    async def _self_closed(self, closing: Any) -> Any:
        try:
            return await closing
        finally:
            self._self_state.leave()


def is_async_stream(stream: object) -> bool:
    """Whether a stream is read with `async for`."""
    # Not of its type, which may be another instrumentation's proxy.
    return hasattr(stream.__class__, "__aiter__")


@guarded
def wrapped(stream: Any, operation: GenAIOperation, make: Callable[[bool], Collector]) -> Any:
    """The proxy of a stream, whose end is the operation's end.

    Args:
        stream: the library's object.
        operation: the call that gave it.
        make: makes the collector, given whether text is wanted.
    """
    state = StreamState(operation, make(operation.telemetry.content.wanted))
    return (AsyncStream if is_async_stream(stream) else SyncStream)(stream, state)
