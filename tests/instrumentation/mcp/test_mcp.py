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
    }
    assert telemetry.point(DURATION).attributes == span.attributes
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

    failed, raised = telemetry.spans
    assert (failed.status, failed.attributes[names.ERROR_TYPE]) == ("ERROR", "tool_error")
    assert raised.status == "ERROR"
    assert raised.attributes[names.ERROR_TYPE].endswith("MCPError")


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


@pytest.mark.parametrize("content", ["no_content", "span_only"])
def test_content(switch_on: Switch, telemetry: Telemetry, content: str) -> None:
    """Arguments and results are told only where content is wanted."""
    switch_on(genai_content=content)
    use(lambda client: client.call_tool("weather", {"city": "Bern"}))

    found = telemetry.span().attributes
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
