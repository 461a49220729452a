"""Raw responses of the clients that Stainless generates: the HTTP response is handed out, and parsed on demand.

`with_raw_response` and `with_streaming_response` give them. A whole response's body is here when the call returns, and
is read once more for its tokens. The others are handed out as proxies, whose `parse` gives the stream, and whose end is
the end of the call. Events that the application reads by itself are read along (`events.py`).
"""

from __future__ import annotations

import inspect
import json
from typing import Any

import wrapt

from otelml._guard import guarded
from otelml.instrumentation._genai.calls import Plan
from otelml.instrumentation._genai.events import Tap, has_events, tap
from otelml.instrumentation._genai.reading import fields
from otelml.telemetry.genai import NO_ANSWER, Answer, GenAIOperation, StreamState, wrapped

HEADER = "X-Stainless-Raw-Response"
_MAX_BODY = 4_000_000
"""Of a larger body, in bytes, nothing is read: that would take longer than a few milliseconds."""


def answer_of(plan: Plan, response: Any) -> Answer:
    """What the body of an HTTP response says; nothing where it is not JSON, too large, or has not been read."""
    body = getattr(response, "_content", b"")  # the property raises where the application has not kept the body
    if not body or len(body) > _MAX_BODY or "json" not in response.headers.get("content-type", ""):
        return NO_ANSWER
    return plan.endpoint.answer(fields(json.loads(body)))


def receive(plan: Plan, operation: GenAIOperation, result: Any) -> Any:
    """Take a raw response: end the operation, or hand out a proxy that does."""
    response = result.http_response
    if plan.streams or not response.is_stream_consumed:
        asynchronous = inspect.iscoroutinefunction(type(result).parse)
        return (AsyncRawResponse if asynchronous else RawResponse)(result, plan, operation)
    operation.stop(answer_of(plan, response))
    return result


class RawCollector:
    """Of a body that the application reads by itself."""

    def __init__(self, plan: Plan, response: Any) -> None:
        self._plan = plan
        self._response = response

    def add(self, chunk: Any) -> None:
        """Take one piece."""

    def answer(self) -> Answer:
        """What the body says, if the application has read it whole."""
        return answer_of(self._plan, self._response)


class RawResponse(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """A raw response whose call has not ended yet."""

    def __init__(self, response: Any, plan: Plan, operation: GenAIOperation) -> None:
        super().__init__(response)
        self._self_plan = plan
        self._self_operation = operation
        self._self_parsed: Any = None
        self._self_tap: Tap | None = None
        http, make = response.http_response, plan.endpoint.collector
        if plan.streams and make is not None and has_events(http):
            self._self_state = StreamState(operation, make(operation.telemetry.content.wanted))
            self._self_tap = tap(http, self._self_state)
        else:
            self._self_state = StreamState(operation, RawCollector(plan, http))

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the response; see the library."""
        return self._self_taken(self.__wrapped__.parse(*args, **kwargs))

    def _self_taken(self, parsed: Any) -> Any:
        if not self._self_plan.streams:
            self._self_answered(parsed)
            return parsed
        if self._self_parsed is None or self._self_parsed.__wrapped__ is not parsed:
            make = self._self_plan.endpoint.collector
            stream = None if make is None else wrapped(parsed, self._self_operation, make)
            if stream is None:
                return parsed
            self._self_state.ended = True  # from now on it is the stream that ends the call
            if self._self_tap is not None:
                self._self_tap.open = False
            self._self_parsed = stream
        return self._self_parsed

    @guarded
    def _self_answered(self, parsed: Any) -> None:
        self._self_state.ended = True
        self._self_operation.stop(self._self_plan.endpoint.answer(parsed))

    def close(self) -> Any:
        """Close the response; see the library."""
        try:
            return self.__wrapped__.close()
        finally:
            self._self_closed()

    @guarded
    def _self_closed(self) -> None:
        if self._self_parsed is not None:
            self._self_parsed._self_state.leave()
        elif self._self_tap is None and self.__wrapped__.http_response.is_stream_consumed:
            self._self_state.finish()
        else:
            self._self_state.leave()

    def __del__(self) -> None:
        state = getattr(self, "_self_state", None)
        if state is not None and self._self_tap is None:  # else the application may have kept the HTTP response
            state.drop()


class AsyncRawResponse(RawResponse):
    """The same of the asynchronous client."""

    async def parse(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the response; see the library."""
        return self._self_taken(await self.__wrapped__.parse(*args, **kwargs))

    async def close(self) -> Any:
        """Close the response; see the library."""
        try:
            return await self.__wrapped__.close()
        finally:
            self._self_closed()
