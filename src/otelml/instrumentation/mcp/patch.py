"""The choke points of MCP's clients: `ClientSession.call_tool`, and `send_request`, by which everything is asked."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from opentelemetry.context import _RUNTIME_CONTEXT, attach, get_current

from otelml._guard import guarded
from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.mcp.request import MCPRequest
from otelml.instrumentation.mcp.tool import ToolCall
from otelml.telemetry.genai.nesting import is_suppressed

_NATIVE = "otel_span"
"""What the modules that make the client's spans have (2.0 to 2.3)."""
_CLIENT = "ClientSession"


def makes_spans(session: Any) -> bool:
    """Whether a session's requests get spans of the client; those to a server in this process get none (2.3)."""
    classes = (type(getattr(session, "_dispatcher", None)), *type(session).__mro__)
    return any(hasattr(sys.modules.get(cls.__module__), _NATIVE) for cls in classes)


class MCPCalls(Calls):
    """The calls of tools, and the requests."""

    def __init__(self) -> None:
        super().__init__(lambda _telemetry, _args, _kwargs: None)

    async def call_tool(self, function: Callable[..., Awaitable[Any]], args: Arguments, kwargs: Keywords) -> Any:
        """The host's `call_tool(session, name, arguments, ...)`."""
        return await _told(self._tool(args, kwargs), function, args, kwargs)

    async def send_request(self, function: Callable[..., Awaitable[Any]], args: Arguments, kwargs: Keywords) -> Any:
        """The host's `send_request(session, request, result_type, ...)`."""
        return await _told(self._request(*args[:2], **kwargs), function, args, kwargs)

    @guarded
    def _tool(self, args: Arguments, kwargs: Keywords) -> ToolCall | None:
        telemetry, context = self.telemetry, get_current()
        if telemetry is None or is_suppressed(context, None):
            return None
        session, *given = args
        named = {**dict(zip(("name", "arguments"), given, strict=False)), **kwargs}
        return ToolCall(telemetry, context, str(named["name"]), named.get("arguments"), spans=not makes_spans(session))

    @guarded
    def _request(self, session: Any, request: Any, **_rest: Any) -> MCPRequest | None:
        telemetry, context = self.telemetry, get_current()
        if telemetry is None or is_suppressed(context, None):
            return None
        if all(cls.__name__ != _CLIENT for cls in type(session).__mro__):
            return None  # a server's session, which has the same base class in release 1
        return MCPRequest(telemetry, context, session, request, spans=not makes_spans(session))


async def _told(
    told: ToolCall | MCPRequest | None, function: Callable[..., Awaitable[Any]], args: Arguments, kwargs: Keywords
) -> Any:
    if told is None:
        return await function(*args, **kwargs)
    token = attach(told.context)
    try:
        result = await function(*args, **kwargs)
    except BaseException as error:
        _detach(token)
        told.fail(error)
        raise
    _detach(token)
    told.stop(result)
    return result


def _detach(token: Any) -> None:
    try:
        _RUNTIME_CONTEXT.detach(token)
    except ValueError:  # the coroutine was closed from another context
        return


CALLS = MCPCalls()

PATCHES = PatchTable(
    Patch("mcp.client.session", "ClientSession.call_tool", CALLS.call_tool),
    Patch("mcp.client.session", "ClientSession.send_request", CALLS.send_request, optional=True),
    Patch("mcp.shared.session", "BaseSession.send_request", CALLS.send_request, optional=True),  # of release 1
)
