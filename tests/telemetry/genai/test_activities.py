"""Tools, agents and workflows of the application, as decorators and blocks."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import suppress_instrumentation

import otelml
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.settings import resolve, use
from otelml.telemetry.genai import GenAITelemetry
from otelml.telemetry.genai.activity import SCOPE, report_through
from tests.support.telemetry import Telemetry


@pytest.fixture(autouse=True)
def _reported(telemetry: Telemetry) -> Iterator[None]:
    report_through(GenAITelemetry(SCOPE, **telemetry.providers))
    yield
    report_through(None)


def test_a_workflow_of_an_agent_with_a_tool(telemetry: Telemetry) -> None:
    """Each has its span inside the outer one's and its duration; the tool bears the agent's name."""

    @otelml.tool(description="Looks things up.", call_id="call_1")
    def search(query: str) -> str:
        return query.upper()

    @otelml.agent("helper", id="a1", version="2", description="Helps.")
    def run(query: str) -> str:
        return search(query)

    with otelml.workflow("support"):
        assert run("x") == "X"

    tool, agent, workflow = telemetry.spans
    assert (tool.name, agent.name, workflow.name) == (
        "execute_tool search",
        "invoke_agent helper",
        "invoke_workflow support",
    )
    assert (tool.parent_id, agent.parent_id) == (agent.span_id, workflow.span_id)
    assert tool.kind == "internal"
    assert tool.attributes == {
        names.GEN_AI_OPERATION_NAME: "execute_tool",
        names.GEN_AI_TOOL_NAME: "search",
        names.GEN_AI_TOOL_TYPE: "function",
        names.GEN_AI_TOOL_DESCRIPTION: "Looks things up.",
        names.GEN_AI_TOOL_CALL_ID: "call_1",
        names.GEN_AI_AGENT_NAME: "helper",
        names.CODE_FUNCTION_NAME: search.__module__ + "." + search.__qualname__,
    }
    assert agent.attributes[names.GEN_AI_AGENT_VERSION] == "2"
    for metric, name in (
        (metrics.GEN_AI_EXECUTE_TOOL_DURATION, {names.GEN_AI_TOOL_NAME: "search"}),
        (metrics.GEN_AI_INVOKE_AGENT_DURATION, {names.GEN_AI_AGENT_NAME: "helper"}),
        (metrics.GEN_AI_INVOKE_WORKFLOW_DURATION, {names.GEN_AI_WORKFLOW_NAME: "support"}),
    ):
        assert telemetry.point(metric.name, name).count == 1


def test_functions_stay_what_they_are() -> None:
    """Signature, name and kind are those of the decorated function; without parentheses it works as well."""

    @otelml.tool
    def plain(a: int, *, b: str = "x") -> int:
        """Documented."""
        return a

    @otelml.tool
    async def coroutine() -> None: ...

    @otelml.tool
    def generator() -> Iterator[int]:
        yield 1

    @otelml.tool
    async def asynchronous_generator() -> AsyncIterator[int]:
        yield 1

    assert (plain.__name__, plain.__doc__, plain(3)) == ("plain", "Documented.", 3)
    assert list(inspect.signature(plain).parameters) == ["a", "b"]
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(asynchronous_generator)


def test_an_exception_passes_and_is_told(telemetry: Telemetry) -> None:
    """The same exception object reaches the application; span and duration have its type."""
    error = ValueError("no")

    @otelml.tool
    def broken() -> None:
        raise error

    with pytest.raises(ValueError, match="no") as raised:
        broken()

    assert raised.value is error
    span = telemetry.span("execute_tool broken")
    assert (span.status, span.attributes[names.ERROR_TYPE], span.description) == ("ERROR", "ValueError", "no")
    assert telemetry.point(metrics.GEN_AI_EXECUTE_TOOL_DURATION.name).attributes[names.ERROR_TYPE] == "ValueError"


def test_a_generator_is_one_span_and_leaves_no_context(telemetry: Telemetry) -> None:
    """What is sent, thrown and returned passes; between its values the context is the application's."""
    tracer = telemetry.tracer_provider.get_tracer("app")

    @otelml.agent
    def conversation() -> Any:
        with tracer.start_as_current_span("inside"):
            pass
        try:
            got = yield 1
        except KeyError:
            got = "thrown"
        yield got
        return "end"

    before = dict(get_current())
    generator = conversation()
    assert next(generator) == 1
    assert dict(get_current()) == before
    assert generator.throw(KeyError()) == "thrown"
    with pytest.raises(StopIteration) as end:
        next(generator)
    assert end.value.value == "end"
    sending = conversation()
    next(sending)
    assert sending.send("sent") == "sent"
    sending.close()

    inside = [span for span in telemetry.spans if span.name == "inside"]
    agents = [span for span in telemetry.spans if span.name != "inside"]
    assert [span.parent_id for span in inside] == [span.span_id for span in agents]
    assert [span.status for span in agents] == ["UNSET", "UNSET"]


def test_asynchronous_functions_and_generators(telemetry: Telemetry) -> None:
    """Both are one span; what is sent into the generator arrives, and the context is the application's in between."""

    @otelml.tool
    async def fetch(key: str) -> str:
        await asyncio.sleep(0)
        return key

    @otelml.agent
    async def answers() -> Any:
        got = yield await fetch("a")
        yield got

    async def run() -> list[Any]:
        before = dict(get_current())
        generator: Any = answers()
        found = [await anext(generator)]
        assert dict(get_current()) == before
        found.append(await generator.asend("b"))
        with pytest.raises(StopAsyncIteration):
            await anext(generator)
        async with otelml.tool("block"):
            await asyncio.sleep(0)
        left: Any = answers()
        async for _ in left:
            break
        await left.aclose()
        return found

    assert asyncio.run(run()) == ["a", "b"]
    tool, agent, block, _, left = telemetry.spans
    assert tool.parent_id == agent.span_id
    assert block.name == "execute_tool block"
    assert left.status == "UNSET"


def test_an_error_of_an_asynchronous_generator(telemetry: Telemetry) -> None:
    """It passes, and is told."""

    @otelml.agent
    async def broken() -> Any:
        yield 1
        raise ValueError

    async def run() -> None:
        async for _ in broken():
            pass

    with pytest.raises(ValueError, match=r"^$"):
        asyncio.run(run())
    assert telemetry.span().attributes[names.ERROR_TYPE] == "ValueError"


def test_nothing_is_told_where_instrumentation_is_suppressed(telemetry: Telemetry) -> None:
    """OpenTelemetry's suppression holds for activities as well."""

    @otelml.tool
    def quiet() -> int:
        return 1

    with suppress_instrumentation():
        assert quiet() == 1

    assert telemetry.spans == []


def test_content_of_tools_where_settings_want_it(telemetry: Telemetry) -> None:
    """Arguments by name and the result, redacted; off by default."""

    @otelml.tool
    def look_up(name: str, limit: int = 3) -> Any:
        return {"name": name, "at": object()}

    look_up("secret", limit=1)
    use(resolve({"genai_content": "span_only", "genai_redact": "secret"}, {}))
    look_up("secret", limit=1)

    off, on = (span.attributes for span in telemetry.spans)
    assert names.GEN_AI_TOOL_CALL_ARGUMENTS not in off
    assert on[names.GEN_AI_TOOL_CALL_ARGUMENTS] == '{"name":"[REDACTED]","limit":1}'
    assert on[names.GEN_AI_TOOL_CALL_RESULT] == '{"name":"[REDACTED]","at":"[object]"}'


def test_wrong_use_says_what_to_do() -> None:
    """A block without a name, a block that is run twice, and a name that is none."""
    with pytest.raises(TypeError, match="A block needs a name"), otelml.tool():
        pass
    block = otelml.tool("x")
    with block, pytest.raises(RuntimeError, match="make one for each"), block:
        pass
    with pytest.raises(TypeError, match="non-empty string"):
        otelml.tool(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Decorate a function"):
        otelml.tool("x")(3)
