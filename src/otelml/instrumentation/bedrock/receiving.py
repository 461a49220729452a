"""What calls of Bedrock return: a dictionary, in which there may be a stream of events, or a body yet to be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

import wrapt

from otelml._guard import guarded
from otelml.instrumentation._genai.calls import Plan
from otelml.instrumentation.bedrock import asynchronous
from otelml.instrumentation.bedrock.invocation import parsed, usage_in, with_usage
from otelml.telemetry.genai import Answer, GenAIOperation, StreamState, TokenUsage, wrapped
from otelml.telemetry.genai.stream import is_async_stream

_MAX_BODY = 4_000_000
"""Of a larger body, in bytes, nothing is kept."""


def stream_in(key: str) -> Callable[[Plan, GenAIOperation, Any], Any]:
    """What takes an answer that has its stream under this key."""

    def receive(plan: Plan, operation: GenAIOperation, result: Any) -> Any:
        assert plan.endpoint.collector is not None
        put_around = asynchronous.events if is_async_stream(result[key]) else wrapped
        stream = put_around(result[key], operation, plan.endpoint.collector)
        if stream is None:
            return None
        result[key] = stream  # the dictionary is botocore's own, made for this call
        return result

    return receive


def body(plan: Plan, operation: GenAIOperation, result: Any) -> Any:
    """Take an answer whose body the application is yet to read: its end is the end of the call."""
    usage = usage_in(result["ResponseMetadata"].get("HTTPHeaders") or {})
    given = result["body"]
    collector = BodyCollector(plan.endpoint.answer, usage)
    raw = getattr(given, "_raw_stream", None)
    if raw is None:
        read = asynchronous.body(given, operation, collector)
        if read is None:  # neither botocore's nor aiobotocore's own, as in an application's tests
            operation.stop(Answer(usage=usage))
        else:
            result["body"] = read
        return result
    result["body"] = type(given)(RawBody(raw, operation, collector), given._content_length)
    return result


class BodyCollector:
    """Of a body: its pieces, which are read as the answer once it is whole."""

    __slots__ = ("_pieces", "_read", "_room", "_usage")

    def __init__(self, read: Callable[[Mapping[str, Any]], Answer], usage: TokenUsage) -> None:
        self._read = read
        self._usage = usage
        self._pieces: list[bytes] = []
        self._room = _MAX_BODY

    def add(self, piece: bytes) -> None:
        """Take one piece."""
        self._room -= len(piece)
        if self._room >= 0:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def answer(self) -> Answer:
        """What the body says, with the tokens that the headers tell where it tells none."""
        data = parsed(b"".join(self._pieces))
        self._pieces.clear()
        return with_usage(Answer() if data is None else self._read(data), self._usage)


class RawBody(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The HTTP response below botocore's `StreamingBody`, through which all ways of reading that go."""

    def __init__(self, raw: Any, operation: GenAIOperation, collector: BodyCollector) -> None:
        super().__init__(raw)
        self._self_collector = collector
        self._self_state = StreamState(operation, collector)
        self._self_state.clock.last = perf_counter_ns()  # the model has said everything: what follows is a transfer

    def read(self, amt: int | None = None, *args: Any, **kwargs: Any) -> Any:
        """Read so many bytes, or all; see urllib3."""
        try:
            piece = self.__wrapped__.read(amt, *args, **kwargs)
        except BaseException as error:
            self._self_state.fail(error)
            raise
        self._self_took(piece, amt is None or (amt > 0 and not piece))
        return piece

    def readinto(self, buffer: Any) -> Any:
        """Read into a buffer; see urllib3."""
        try:
            size = self.__wrapped__.readinto(buffer)
        except BaseException as error:
            self._self_state.fail(error)
            raise
        self._self_took(bytes(memoryview(buffer)[:size]), size == 0 and len(buffer) > 0)
        return size

    def readlines(self, *args: Any) -> Any:
        """Read all lines; see urllib3."""
        try:
            lines = self.__wrapped__.readlines(*args)
        except BaseException as error:
            self._self_state.fail(error)
            raise
        self._self_took(b"".join(lines), not args)
        return lines

    @guarded
    def _self_took(self, piece: bytes, is_last: bool) -> None:
        if self._self_state.ended:
            return
        self._self_collector.add(piece)
        self._self_state.clock.last = perf_counter_ns()
        if is_last:
            self._self_state.finish()

    def close(self) -> Any:
        """Close the response; see urllib3."""
        try:
            return self.__wrapped__.close()
        finally:
            self._self_state.leave()

    def __del__(self) -> None:
        state = getattr(self, "_self_state", None)
        if state is not None:
            state.drop()
