"""One request of an MCP client: its span, unless there is one already, and its duration.

As OpenTelemetry's conventions for MCP say (semantic-conventions-genai, model/mcp): a request for the execution of a
tool has the tool's span, which gets the name of the method.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from otelml._guard import guarded
from otelml.instrumentation._genai.reading import get, text
from otelml.instrumentation.mcp.tool import SPAN
from otelml.semconv import attributes as names
from otelml.semconv.attributes import McpMethodName as Methods
from otelml.telemetry.context import attributes_in
from otelml.telemetry.errors import error_type
from otelml.telemetry.genai import GenAITelemetry
from otelml.telemetry.labels import MAX_LENGTH, OTHER, Distinct

_FAILED = "tool_error"
_MAX_NAMES = 200

_known = Distinct(_MAX_NAMES)


class MCPRequest:
    """One request. No method raises into the host.

    Attributes:
        context: with the request's span; current while the host's call runs.
    """

    def __init__(self, telemetry: GenAITelemetry, outside: Context, session: Any, request: Any, *, spans: bool) -> None:
        """Begin.

        Args:
            telemetry: where it is reported.
            outside: the context of the host's call.
            session: of the client.
            request: the client's object; that of release 1 is in an envelope.
            spans: whether the client makes no span.
        """
        request = getattr(request, "root", request)
        params = getattr(request, "params", None)
        method = str(request.method)[:MAX_LENGTH]
        name = text(get(params, "name"))
        self._telemetry = telemetry
        self._is_tool = method == Methods.TOOLS_CALL
        self._point: dict[str, AttributeValue] = {names.MCP_METHOD_NAME: method}
        version = text(getattr(session, "_negotiated_version", None))
        if version is not None:
            self._point[names.MCP_PROTOCOL_VERSION] = version
        self._name = names.GEN_AI_TOOL_NAME if self._is_tool else names.GEN_AI_PROMPT_NAME
        if name is not None:
            self._point[self._name] = name[:MAX_LENGTH]
        if self._is_tool:
            self._point[names.GEN_AI_OPERATION_NAME] = names.GenAiOperationName.EXECUTE_TOOL
        self._span: Span = INVALID_SPAN
        self.context = outside
        if self._is_tool:
            tool = outside.get(SPAN)
            if isinstance(tool, Span):
                tool.set_attribute(names.MCP_METHOD_NAME, method)
        elif spans:
            attributes = {**self._point, **(attributes_in(outside) or {})}
            uri = get(params, "uri")
            if uri is not None:
                attributes[names.MCP_RESOURCE_URI] = str(uri)[:MAX_LENGTH]
            title = method if name is None else f"{method} {name[:MAX_LENGTH]}"
            self._span = telemetry.tracer.start_span(title, outside, SpanKind.CLIENT, attributes)
            self.context = set_span_in_context(self._span, outside)
        self._began = perf_counter()

    @guarded
    def stop(self, result: Any) -> None:
        """End a request that was answered; a tool may have failed."""
        failed = getattr(result, "is_error", None) is True or getattr(result, "isError", None) is True
        self._end(_FAILED if failed else None, None)

    @guarded
    def fail(self, error: BaseException) -> None:
        """End a request by the host's exception, which may be an error of JSON-RPC."""
        code = get(getattr(error, "error", None), "code")
        if type(code) is not int:
            self._end(error_type(error), error)
            return
        self._point[names.RPC_RESPONSE_STATUS_CODE] = str(code)
        self._end(str(code), error)

    def _end(self, failed: str | None, error: BaseException | None) -> None:
        duration = perf_counter() - self._began
        if failed is not None:
            self._point[names.ERROR_TYPE] = failed
            self._span.set_status(Status(StatusCode.ERROR, self._telemetry.message_of(error)))
            self._span.set_attributes(self._point)
        self._span.end()
        name = self._point.get(self._name)
        if name is not None and not _known.admits((self._name, name)):
            self._point[self._name] = OTHER
        if not _known.admits(self._point[names.MCP_METHOD_NAME]):
            self._point[names.MCP_METHOD_NAME] = OTHER
        self._telemetry.instruments.mcp_duration.record(duration, self._point, self.context)
