"""The way of one call through a client's choke point: four lines around the host's call, for all clients."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from opentelemetry.context import _RUNTIME_CONTEXT, attach, get_current

from otelml._guard import guarded
from otelml.telemetry.genai import Endpoint, GenAIOperation, GenAITelemetry, Owner, Server, wrapped

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


def receive(plan: Plan, operation: GenAIOperation, result: Any) -> Any:
    """Take what a call returned: end the operation, or hand it to the stream; return what the host gets."""
    if plan.streams and plan.endpoint.collector is not None:
        return wrapped(result, operation, plan.endpoint.collector)
    operation.stop(plan.endpoint.answer(result))
    return result


class Plan(NamedTuple):
    """What a hook makes of the arguments of a call.

    Attributes:
        endpoint: the kind of call.
        server: who is asked.
        given: what the endpoint's `request` takes.
        streams: whether the answer comes as a stream.
        arguments: what is called in place of the host's arguments, only where a setting asks for a change.
        receive: takes what the call returned, where that is more than answers and streams.
        owner: who will have a span for the call, where the client makes it itself further inside.
    """

    endpoint: Endpoint
    server: Server
    given: Any
    streams: bool = False
    arguments: Arguments | None = None
    receive: Callable[[Any, GenAIOperation, Any], Any] = receive
    owner: Owner | None = None


class Calls:
    """The calls through one library's choke points.

    Attributes:
        telemetry: where they are reported; None while the instrumentation is off.
    """

    telemetry: GenAITelemetry | None = None

    def __init__(self, plan: Callable[[GenAITelemetry, Arguments, Keywords], Plan | None]) -> None:
        """Say how the library's calls are read.

        Args:
            plan: what a call with these arguments is; None for one that is left alone.
        """
        self._plan = plan

    def call(self, function: Callable[..., Any], args: Arguments, kwargs: Keywords) -> Any:
        """The host's call, of a function."""
        begun = self._begin(args, kwargs)
        if begun is None:
            return function(*args, **kwargs)
        plan, operation = begun
        token = attach(operation.context)
        try:
            result = function(*(plan.arguments or args), **kwargs)
        except BaseException as error:
            _detach(token)
            operation.fail(error)
            raise
        _detach(token)
        received = _received(plan, operation, result)
        if received is None:
            operation.stop()  # unless it has ended
            return result
        return received

    async def call_async(self, function: Callable[..., Awaitable[Any]], args: Arguments, kwargs: Keywords) -> Any:
        """The host's call, of a coroutine function."""
        begun = self._begin(args, kwargs)
        if begun is None:
            return await function(*args, **kwargs)
        plan, operation = begun
        token = attach(operation.context)
        try:
            result = await function(*(plan.arguments or args), **kwargs)
        except BaseException as error:
            _detach(token)
            operation.fail(error)
            raise
        _detach(token)
        received = _received(plan, operation, result)
        if received is None:
            operation.stop()
            return result
        return received

    @guarded
    def _begin(self, args: Arguments, kwargs: Keywords) -> tuple[Plan, GenAIOperation] | None:
        telemetry = self.telemetry
        if telemetry is None:
            return None
        plan = self._plan(telemetry, args, kwargs)
        if plan is None:
            return None
        operation = telemetry.start(plan.endpoint, plan.given, plan.server, get_current(), plan.owner)
        return None if operation is None else (plan, operation)


@guarded
def _received(plan: Plan, operation: GenAIOperation, result: Any) -> Any:
    return plan.receive(plan, operation, result)


def _detach(token: Any) -> None:
    # Not `opentelemetry.context.detach`, which logs an error where a coroutine was closed from another context.
    try:
        _RUNTIME_CONTEXT.detach(token)
    except ValueError:
        return
