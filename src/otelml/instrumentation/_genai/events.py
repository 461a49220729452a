"""Server-sent events that the application reads by itself: what passes by is read along, and nothing is changed.

The tap is below all ways of reading a response (`iter_lines`, `iter_text`, `iter_bytes`, `iter_raw`, `read`): it sees
the bytes as they come from the connection, and decompresses them once more where they are compressed. At most one event
is kept, of a bounded size.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import wrapt

from otelml._guard import guarded
from otelml.instrumentation._genai.reading import fields
from otelml.telemetry.genai import StreamState

_MAX_EVENT = 1_000_000
"""A longer event, in bytes, is passed over; those at the end of a response have all of it."""
_CONTENT_TYPE = "text/event-stream"
_DONE = b"[DONE]"
_PING = "ping"  # Anthropic's, which its client passes over
_LAST = frozenset({"message_stop", "response.completed", "response.incomplete", "response.failed"})
"""The types of the events after which nothing follows: whoever stops reading there has read the stream."""


def has_events(response: Any) -> bool:
    """Whether a response of httpx is a stream of events that nobody has begun to read."""
    return not response.is_stream_consumed and response.headers.get("content-type", "").startswith(_CONTENT_TYPE)


def tap(response: Any, state: StreamState) -> Tap:
    """Read along what is read of a response; the state is told of events, of the end, and of errors."""
    found = Tap(state, _decoder(response))
    response.stream = TappedStream(response.stream, found)
    return found


@guarded
def _decoder(response: Any) -> Any:
    if response.headers.get("content-encoding") in (None, "", "identity"):
        return None
    # A response of the same headers has a decoder of its own; httpx and httpx2 have no public one.
    return type(response)(200, headers=response.headers)._get_content_decoder()


class Tap:
    """Reads events out of bytes, however they are cut.

    Attributes:
        open: whether anything is still to be read here; a stream that is parsed by the library is read there.
    """

    __slots__ = ("_data", "_decoder", "_line", "_size", "_state", "open")

    def __init__(self, state: StreamState, decoder: Any = None) -> None:
        self._state = state
        self._decoder = decoder
        self._line = b""
        self._data: list[bytes] = []
        self._size = 0
        self.open = True

    @guarded
    def feed(self, piece: bytes) -> None:
        """Take bytes as they come."""
        if not self.open:
            return
        if self._decoder is None:
            self._read(piece)
        else:
            decoded = self._decoder.decode(piece)
            for part in (decoded,) if isinstance(decoded, bytes) else decoded:  # httpx, and httpx2
                self._read(part)

    def _read(self, piece: bytes) -> None:
        # UTF-8 has no byte of a line's end within a character. A lone CR, which the standard allows, no API sends.
        *lines, rest = (self._line + piece).split(b"\n")
        self._line = rest if len(rest) <= _MAX_EVENT else b""
        for line in lines:
            self._take(line.removesuffix(b"\r"))

    def _take(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._size += len(line)
            if self._size <= _MAX_EVENT:
                self._data.append(line[5:].removeprefix(b" "))
        elif not line:
            data, size = self._data, self._size
            self._data, self._size = [], 0
            if data and size <= _MAX_EVENT:
                self._tell(b"\n".join(data))

    def _tell(self, data: bytes) -> None:
        if data.startswith(_DONE):
            self.end()
            return
        try:
            event = json.loads(data)
        except ValueError:  # the application's to see
            return
        kind = event.get("type") if isinstance(event, dict) else _PING
        if kind == _PING:
            return
        self._state.take(fields(event))
        if kind in _LAST:
            self.end()

    @guarded
    def end(self) -> None:
        """Nothing follows."""
        if self.open:
            self.open = False
            self._state.finish()

    @guarded
    def fail(self, error: BaseException) -> None:
        """Reading has raised."""
        if self.open:
            self.open = False
            self._state.fail(error)

    @guarded
    def leave(self) -> None:
        """The application has closed the response."""
        if self.open:
            self.open = False
            self._state.leave()

    @guarded
    def drop(self) -> None:
        """The application has dropped the response; called in a finaliser."""
        if self.open:
            self._state.drop()


class TappedStream(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The stream of bytes of a response of httpx, whichever kind it is."""

    def __init__(self, stream: Any, tapped: Tap) -> None:
        super().__init__(stream)
        self._self_tap = tapped

    def __iter__(self) -> Iterator[bytes]:
        tapped: Tap = self._self_tap
        try:
            for piece in self.__wrapped__:
                tapped.feed(piece)
                yield piece
        except GeneratorExit:
            raise
        except BaseException as error:
            tapped.fail(error)
            raise
        tapped.end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        tapped: Tap = self._self_tap
        source = self.__wrapped__.__aiter__()
        try:
            async for piece in source:
                tapped.feed(piece)
                yield piece
        except GeneratorExit:
            raise
        except BaseException as error:
            tapped.fail(error)
            raise
        finally:
            if hasattr(source, "aclose"):  # httpx2 closes what it iterates, and this stands in between
                await source.aclose()
        tapped.end()

    def close(self) -> Any:
        """Close the stream; see httpx."""
        try:
            return self.__wrapped__.close()
        finally:
            self._self_tap.leave()

    async def aclose(self) -> Any:
        """Close the stream; see httpx."""
        try:
            return await self.__wrapped__.aclose()
        finally:
            self._self_tap.leave()

    def __del__(self) -> None:
        tapped = getattr(self, "_self_tap", None)
        if tapped is not None:
            tapped.drop()
