"""Calls of tools of MCP servers, by `ClientSession.call_tool` and the clients above it.

Each is recorded as the execution of a tool, with its duration and whether it failed. From release 2 on the client makes
a span for each request that leaves the process; there is no second one then.
"""

from __future__ import annotations

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.mcp.package import REQUIRES
from otelml.instrumentation.mcp.patch import CALLS, PATCHES

__all__ = ["MCPInstrumentor"]


class MCPInstrumentor(GenAIInstrumentor):
    """Instruments the MCP client.

    Example:
        >>> MCPInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.mcp"
    requires = REQUIRES
    calls = CALLS
    patches = PATCHES
