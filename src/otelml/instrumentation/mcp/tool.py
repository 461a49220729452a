"""One call of a tool of an MCP server: its span, unless the client has one, and its duration."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from opentelemetry.context import Context, create_key, set_value
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from otelml._guard import guarded
from otelml.semconv import attributes as names
from otelml.telemetry.context import attributes_in
from otelml.telemetry.errors import error_type
from otelml.telemetry.genai import GenAITelemetry
from otelml.telemetry.labels import MAX_LENGTH, OTHER, Distinct

_TYPE = "extension"
"""OpenTelemetry's type for tools that are run for the agent, not by it."""
_FAILED = "tool_error"
"""OpenTelemetry's `error.type` for a tool that reports a failure in its result."""
_MAX_TOOLS = 200

SPAN = create_key("otelml-mcp-tool")
"""The context key of a call's span, for the request that it makes."""

_tools = Distinct(_MAX_TOOLS)


class ToolCall:
    """One call. No method raises into the host.

    Attributes:
        context: with the call's span; current while the host's call runs.
    """

    def __init__(
        self, telemetry: GenAITelemetry, outside: Context, name: str, arguments: object, *, spans: bool
    ) -> None:
        """Begin.

        Args:
            telemetry: where it is reported.
            outside: the context of the host's call.
            name: of the tool.
            arguments: read only where content is wanted.
            spans: whether the client makes no span.
        """
        self._telemetry = telemetry
        self._point: dict[str, AttributeValue] = {
            names.GEN_AI_OPERATION_NAME: names.GenAiOperationName.EXECUTE_TOOL,
            names.GEN_AI_TOOL_NAME: name[:MAX_LENGTH],
            names.GEN_AI_TOOL_TYPE: _TYPE,
        }
        self._span: Span = INVALID_SPAN
        self.context = outside
        if spans:
            attributes = {**self._point, **(attributes_in(outside) or {})}
            attributes.update(self._content(names.GEN_AI_TOOL_CALL_ARGUMENTS, arguments))
            title = f"{names.GenAiOperationName.EXECUTE_TOOL} {name[:MAX_LENGTH]}"
            self._span = telemetry.tracer.start_span(title, outside, SpanKind.INTERNAL, attributes)
            self.context = set_value(SPAN, self._span, set_span_in_context(self._span, outside))
        self._began = perf_counter()

    @guarded
    def stop(self, result: Any) -> None:
        """End a call that returned; the tool may have failed."""
        # By the name of release 2, and by that of release 1.
        failed = getattr(result, "is_error", None) is True or getattr(result, "isError", None) is True
        content = getattr(result, "content", None)
        self._end(_FAILED if failed else None, None, self._content(names.GEN_AI_TOOL_CALL_RESULT, content))

    @guarded
    def fail(self, error: BaseException) -> None:
        """End a call by the host's exception."""
        self._end(error_type(error), error, {})

    def _content(self, attribute: str, value: object) -> dict[str, AttributeValue]:
        policy = self._telemetry.content
        return {attribute: policy.text(value)} if policy.on_span and value is not None else {}

    def _end(self, failed: str | None, error: BaseException | None, attributes: dict[str, AttributeValue]) -> None:
        duration = perf_counter() - self._began
        if failed is not None:
            attributes[names.ERROR_TYPE] = self._point[names.ERROR_TYPE] = failed
            self._span.set_status(Status(StatusCode.ERROR, self._telemetry.message_of(error)))
        self._span.set_attributes(attributes)
        self._span.end()
        if not _tools.admits(self._point[names.GEN_AI_TOOL_NAME]):
            self._point[names.GEN_AI_TOOL_NAME] = OTHER
        self._telemetry.instruments.tool_duration.record(duration, self._point, self.context)
