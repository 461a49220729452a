"""An MCP server with a few tools, in the tests' process or in one of its own."""

from __future__ import annotations

from typing import Any


def made() -> Any:
    """The server."""
    from mcp.server import MCPServer

    server: Any = MCPServer("tests")

    @server.tool()
    def weather(city: str) -> str:
        """The weather of a city."""
        return f"rain in {city}"

    @server.tool()
    def broken() -> str:
        """A tool that fails."""
        raise RuntimeError("no such thing")

    @server.resource("notes://bern")
    def notes() -> str:
        """What is known of a city."""
        return "old town"

    @server.prompt()
    def greet(name: str) -> str:
        """Greets somebody."""
        return f"Say hello to {name}"

    return server


if __name__ == "__main__":
    made().run("stdio")
