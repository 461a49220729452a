"""The MCP client and real servers: in this process, without spans of the client, and in another one, with them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.mcp import MCPInstrumentor
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.instrumentation.mcp import server
from tests.support.genai import Switch, switching
from tests.support.telemetry import Telemetry

DURATION = metrics.GEN_AI_EXECUTE_TOOL_DURATION.name
REQUESTS = metrics.MCP_CLIENT_OPERATION_DURATION.name


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    with switching(MCPInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


def use(what: Callable[[Any], Awaitable[Any]], where: Any = None) -> Any:
    """Do something with a client of a server, by default of one in this process."""
    from mcp.client import Client

    async def run() -> Any:
        async with Client(server.made() if where is None else where) as client:
            return await what(client)

    return asyncio.run(run())


on = pytest.mark.usefixtures("instrumented")


@on
def test_a_call_of_a_tool_is_a_span_and_a_duration(telemetry: Telemetry) -> None:
    """Named by the tool, within the application's span; the result is the application's."""
    tracer = telemetry.tracer_provider.get_tracer("app")
    with tracer.start_as_current_span("request"):
        result = use(lambda client: client.call_tool("weather", {"city": "Bern"}))

    assert result.content[0].text == "rain in Bern"
    span = telemetry.span("execute_tool weather")
    assert (span.kind, span.status) == ("internal", "UNSET")
    assert span.parent_id == telemetry.span("request").span_id
    assert span.attributes == {
        names.GEN_AI_OPERATION_NAME: "execute_tool",
        names.GEN_AI_TOOL_NAME: "weather",
        names.GEN_AI_TOOL_TYPE: "extension",
        names.MCP_METHOD_NAME: "tools/call",
    }
    assert telemetry.point(DURATION).attributes == {
        key: value for key, value in span.attributes.items() if key != names.MCP_METHOD_NAME
    }
    assert telemetry.point(DURATION).count == 1


@on
def test_failures(telemetry: Telemetry) -> None:
    """A tool that fails says so in its result; an exception is the application's; both are errors."""
    from mcp.shared.exceptions import MCPError

    assert use(lambda client: client.call_tool("broken", {})).is_error

    async def closed(client: Any) -> None:
        with pytest.raises(MCPError):
            await client.session.call_tool("weather", {"city": "Bern"}, read_timeout_seconds=0)

    use(closed)

    failed, raised = (it for it in telemetry.spans if it.name.startswith("execute_tool"))
    assert (failed.status, failed.attributes[names.ERROR_TYPE]) == ("ERROR", "tool_error")
    assert raised.status == "ERROR"
    assert raised.attributes[names.ERROR_TYPE].endswith("MCPError")


@on
def test_other_requests(telemetry: Telemetry) -> None:
    """As the conventions for MCP name them, within the application's span; a tool has its own span alone."""

    async def ask(client: Any) -> None:
        await client.list_tools()
        await client.get_prompt("greet", {"name": "Ada"})
        await client.read_resource("notes://bern")
        await client.call_tool("weather", {"city": "Bern"})

    with telemetry.tracer_provider.get_tracer("app").start_as_current_span("request"):
        use(ask)

    listed, greeted, read = (telemetry.span(it) for it in ("tools/list", "prompts/get greet", "resources/read"))
    assert {it.kind for it in (listed, greeted, read)} == {"client"}
    assert {it.parent_id for it in (listed, greeted, read)} == {telemetry.span("request").span_id}
    assert greeted.attributes[names.GEN_AI_PROMPT_NAME] == "greet"
    assert "Ada" not in str(greeted.attributes)
    assert read.attributes[names.MCP_RESOURCE_URI] == "notes://bern"
    assert not [it for it in telemetry.spans if it.name.startswith("tools/call")]
    asked = {str(it.attributes[names.MCP_METHOD_NAME]): it for it in telemetry.points(REQUESTS)}
    assert {"tools/list", "prompts/get", "resources/read", "tools/call"} <= set(asked)
    assert asked["tools/call"].attributes[names.GEN_AI_TOOL_NAME] == "weather"
    assert names.MCP_RESOURCE_URI not in asked["resources/read"].attributes


@on
def test_an_error_of_the_protocol(telemetry: Telemetry) -> None:
    """Its code is the type of the error; the exception is the application's."""
    from mcp.shared.exceptions import MCPError

    async def ask(client: Any) -> None:
        with pytest.raises(MCPError):
            await client.get_prompt("no such prompt")

    use(ask)
    span = telemetry.span("prompts/get no such prompt")
    code = span.attributes[names.RPC_RESPONSE_STATUS_CODE]
    assert (span.status, span.attributes[names.ERROR_TYPE]) == ("ERROR", code)
    assert int(code) < 0


@on
def test_where_the_client_has_a_span_there_is_no_second_one(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a pipe to another process: the client's span for the request, and our duration."""
    from mcp.client.stdio import StdioServerParameters
    from mcp.shared import _otel

    monkeypatch.setattr(_otel, "_tracer", telemetry.tracer_provider.get_tracer("mcp-python-sdk"))
    root = Path(__file__).parents[3]
    there = StdioServerParameters(
        command=sys.executable, args=["-m", "tests.instrumentation.mcp.server"], cwd=str(root)
    )

    use(lambda client: client.call_tool("weather", {"city": "Bern"}), there)

    found = telemetry.span_exporter.get_finished_spans()
    telemetry.span_exporter.clear()
    scopes = {it.instrumentation_scope.name for it in found if it.instrumentation_scope}
    assert scopes == {"mcp-python-sdk"}
    assert "MCP send tools/call weather" in {it.name for it in found}
    assert telemetry.point(DURATION).attributes[names.GEN_AI_TOOL_NAME] == "weather"
    assert telemetry.point(REQUESTS, {names.MCP_METHOD_NAME: "tools/call"}).count == 1


@pytest.mark.parametrize("content", ["no_content", "span_only"])
def test_content(switch_on: Switch, telemetry: Telemetry, content: str) -> None:
    """Arguments and results are told only where content is wanted."""
    switch_on(genai_content=content)
    use(lambda client: client.call_tool("weather", {"city": "Bern"}))

    found = telemetry.span("execute_tool weather").attributes
    assert ("Bern" in str(found.get(names.GEN_AI_TOOL_CALL_ARGUMENTS))) == (content == "span_only")
    assert ("rain" in str(found.get(names.GEN_AI_TOOL_CALL_RESULT))) == (content == "span_only")


def test_off_and_suppressed_nothing_is_said(instrumented: GenAIInstrumentor, telemetry: Telemetry) -> None:
    """Inside `suppress_instrumentation` nothing is said; after switching off the method is the library's."""
    from mcp.client.session import ClientSession

    replaced: Any = ClientSession.call_tool
    with suppress_instrumentation():
        use(lambda client: client.call_tool("weather", {"city": "Bern"}))
    instrumented.uninstrument()

    assert telemetry.spans == []
    assert ClientSession.call_tool is replaced.__wrapped__
