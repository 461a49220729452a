"""The choke point of MCP's clients for tools: `ClientSession.call_tool`."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from opentelemetry.context import _RUNTIME_CONTEXT, attach, get_current

from otelml._guard import guarded
from otelml.instrumentation._genai.calls import Arguments, Calls, Keywords
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.mcp.tool import ToolCall
from otelml.telemetry.genai.nesting import is_suppressed

_NATIVE = "otel_span"
"""What the modules that make the client's spans have (2.0 to 2.3)."""


def makes_spans(session: Any) -> bool:
    """Whether a session's requests get spans of the client; those to a server in this process get none (2.3)."""
    classes = (type(getattr(session, "_dispatcher", None)), *type(session).__mro__)
    return any(hasattr(sys.modules.get(cls.__module__), _NATIVE) for cls in classes)


class ToolCalls(Calls):
    """The calls of tools."""

    def __init__(self) -> None:
        super().__init__(lambda _telemetry, _args, _kwargs: None)

    async def call_async(self, function: Callable[..., Awaitable[Any]], args: Arguments, kwargs: Keywords) -> Any:
        """The host's call."""
        tool = self._started(args, kwargs)
        if tool is None:
            return await function(*args, **kwargs)
        token = attach(tool.context)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            _detach(token)
            tool.fail(error)
            raise
        _detach(token)
        tool.stop(result)
        return result

    @guarded
    def _started(self, args: Arguments, kwargs: Keywords) -> ToolCall | None:
        telemetry, context = self.telemetry, get_current()
        if telemetry is None or is_suppressed(context, None):
            return None
        session, *given = args
        named = {**dict(zip(("name", "arguments"), given, strict=False)), **kwargs}
        return ToolCall(telemetry, context, str(named["name"]), named.get("arguments"), spans=not makes_spans(session))


def _detach(token: Any) -> None:
    try:
        _RUNTIME_CONTEXT.detach(token)
    except ValueError:  # the coroutine was closed from another context
        return


CALLS = ToolCalls()

PATCHES = PatchTable(Patch("mcp.client.session", "ClientSession.call_tool", CALLS.call_async))
