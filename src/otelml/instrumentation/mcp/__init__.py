"""MCP clients: calls of tools, and every other request, such as `initialize`, `tools/list` and `prompts/get`.

A call of a tool is recorded as its execution, with its duration and whether it failed; the other requests have a span
by OpenTelemetry's conventions for MCP, and all have a duration. From release 2 on the client makes a span for each
request that leaves the process, and hands its context on in `params._meta`; there is no second span then.
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
