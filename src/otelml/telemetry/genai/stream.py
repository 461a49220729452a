"""Streamed answers: proxies that count chunks and end the call's operation once, however the stream ends.

A proxy is `isinstance`-true and has all attributes of what it stands for. Per chunk it does no more than read a clock,
count, and hand the chunk to the collector. No context is made current between or during chunks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from time import perf_counter_ns
from types import GeneratorType
from typing import Any

import wrapt

from otelml._guard import guarded, report
from otelml.telemetry.genai.abandoned import UNDERTAKER
from otelml.telemetry.genai.facts import Answer, Collector
from otelml.telemetry.genai.operation import GenAIOperation
from otelml.telemetry.genai.timing import ChunkClock, StreamFigures

_SITE = "telemetry.genai.stream.StreamState.take"


class StreamState:
    """One stream's operation, clock and collector, apart from the proxy that the application holds.

    Attributes:
        clock: the times of the chunks.
        ended: whether the operation has been ended from here.
    """

    __slots__ = ("_collect", "_collector", "_estimate", "_operation", "clock", "ended")

    def __init__(self, operation: GenAIOperation, collector: Collector) -> None:
        self._operation = operation
        self._collector = collector
        self._collect: Callable[[Any], None] = collector.add
        self.clock = ChunkClock(operation.began)
        if operation.telemetry.settings.genai_chunk_histogram:
            self._collect = _recording(operation, self.clock, collector.add)
        self._estimate = operation.estimate
        if self._estimate is not None:
            self._collect = self._estimate.hear(self._collect)
        self.ended = False
        UNDERTAKER.expect()

    def take(self, chunk: Any) -> None:
        """Take one chunk."""
        # For each chunk of every stream, so that it stands for `guarded`, whose frame would cost as much as the rest.
        try:
            clock = self.clock
            now = perf_counter_ns()
            gap = now - clock.last
            clock.last = now
            clock.chunks += 1
            if gap > clock.longest:
                clock.lengthen(now, gap)
            self._collect(chunk)
        except Exception as fault:
            report(_SITE, fault)

    @guarded
    def finish(self) -> None:
        """The stream has come to its end."""
        self._end(self._operation.stop, None)

    @guarded
    def fail(self, error: BaseException) -> None:
        """Reading the stream has raised."""
        if self.ended:
            return
        self.ended = True
        self._operation.fail(error, self._collector.answer(), self.clock.figures())

    @guarded
    def leave(self) -> None:
        """The application has left the stream: no error, and over since it was last read."""
        self._end(self._operation.abandon, self.clock.last)

    def _end(self, end: Callable[[Answer, StreamFigures, Any], None], ended: int | None) -> None:
        if self.ended:
            return
        self.ended = True
        answer, figures = self._collector.answer(), self.clock.figures()
        if self._estimate is None or answer.usage.known or answer.error is not None:
            end(answer, figures, ended)
        else:
            self._estimate.complete(answer, figures, perf_counter_ns() if ended is None else ended, end)

    @guarded
    def drop(self) -> None:
        """The application has dropped the stream; called in a finaliser."""
        if not self.ended:
            UNDERTAKER.take(self.leave)


def _recording(operation: GenAIOperation, clock: ChunkClock, collect: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same, and a point for the gap before each chunk but the first."""
    points = operation.target.points(None, None).duration
    record = operation.telemetry.instruments.chunk.record
    before = 0

    def collect_and_record(chunk: Any) -> None:
        nonlocal before
        collect(chunk)
        if before:
            record((clock.last - before) * 1e-9, points, operation.context)
        before = clock.last

    return collect_and_record


def _chunks(source: Iterator[Any], state: StreamState, _proxy: object) -> Iterator[Any]:
    """Iterates what a proxy iterates, without its cost; holds the proxy, so that it is not dropped meanwhile.

    A generator, which iterating one must be in any case: the application may close it.
    """
    take = state.take
    try:
        for chunk in source:
            take(chunk)
            yield chunk
    except GeneratorExit:  # by the application, which may go on to read the stream
        raise
    except BaseException as error:
        state.fail(error)
        raise
    state.finish()


class _Chunks:
    """The same of an iterator that is no generator, and may go on after it has raised."""

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
        source = iter(self.__wrapped__)
        return (_chunks if type(source) is GeneratorType else _Chunks)(source, self._self_state, self)

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
