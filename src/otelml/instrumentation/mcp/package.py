"""The versions of the MCP client that are instrumented."""

from __future__ import annotations

REQUIRES = ("mcp >= 1.9",)
