"""The application's own tools, agents and workflows: a span and a duration each, around whatever they call."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any, NamedTuple

from opentelemetry import context as contexts
from opentelemetry.context import _RUNTIME_CONTEXT, Context
from opentelemetry.metrics import Histogram
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util.types import AttributeValue

from otelml import settings
from otelml._guard import guarded
from otelml.semconv import attributes as names
from otelml.telemetry.context import attributes_in
from otelml.telemetry.errors import error_type
from otelml.telemetry.genai import nesting
from otelml.telemetry.genai.handler import GenAITelemetry
from otelml.telemetry.labels import OTHER, Distinct

SCOPE = "otelml.genai"

_AGENT = contexts.create_key("otelml-agent")
_MAX_NAMES = 200

_telemetry: GenAITelemetry | None = None
_settings: settings.Settings | None = None
_names = Distinct(_MAX_NAMES)


class Kind(NamedTuple):
    """A kind of activity.

    Attributes:
        operation: a value of `gen_ai.operation.name`.
        name: the attribute that its name is.
        given: the attribute for what it was given.
        returned: the attribute for what it returned.
        on_points: which of its attributes go on its duration.
    """

    operation: str
    name: str
    given: str
    returned: str
    on_points: tuple[str, ...]


TOOL = Kind(
    names.GenAiOperationName.EXECUTE_TOOL,
    names.GEN_AI_TOOL_NAME,
    names.GEN_AI_TOOL_CALL_ARGUMENTS,
    names.GEN_AI_TOOL_CALL_RESULT,
    (names.GEN_AI_OPERATION_NAME, names.GEN_AI_TOOL_NAME, names.GEN_AI_TOOL_TYPE, names.GEN_AI_AGENT_NAME),
)
AGENT = Kind(
    names.GenAiOperationName.INVOKE_AGENT,
    names.GEN_AI_AGENT_NAME,
    names.GEN_AI_INPUT_MESSAGES,
    names.GEN_AI_OUTPUT_MESSAGES,
    (names.GEN_AI_OPERATION_NAME, names.GEN_AI_AGENT_NAME),
)
WORKFLOW = Kind(
    names.GenAiOperationName.INVOKE_WORKFLOW,
    names.GEN_AI_WORKFLOW_NAME,
    names.GEN_AI_INPUT_MESSAGES,
    names.GEN_AI_OUTPUT_MESSAGES,
    (names.GEN_AI_OPERATION_NAME, names.GEN_AI_WORKFLOW_NAME),
)


def report_through(telemetry: GenAITelemetry | None) -> None:
    """Report activities through this from now on; None: through the global providers, by the settings in force."""
    global _telemetry, _settings
    _telemetry, _settings = telemetry, None if telemetry is None else settings.current()


def _reporting() -> GenAITelemetry:
    global _telemetry, _settings
    current = settings.current()
    if _telemetry is None:
        _telemetry = GenAITelemetry(SCOPE)
        _settings = None
    if _settings is not current:
        _settings = current
        _telemetry.configure(current)
    return _telemetry


class Activity:
    """One run of a tool, an agent or a workflow. No method raises into the host.

    Attributes:
        context: with its span; current while the application's code runs.
    """

    __slots__ = ("_attributes", "_began", "_kind", "_open", "_span", "_telemetry", "context")

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._open: list[bool] = []
        self._span: Span = INVALID_SPAN
        self._attributes: dict[str, AttributeValue] = {}
        self._began = perf_counter()
        self.context: Context = contexts.get_current()

    @guarded
    def start(self, attributes: Mapping[str, AttributeValue], given: object) -> None:
        """Begin; where the context suppresses instrumentation, nothing is reported of it.

        Args:
            attributes: what is known of it.
            given: what it is called with; read only where content is wanted.
        """
        outside = self.context
        if nesting.is_suppressed(outside, None):
            return
        self._telemetry = _reporting()
        self._attributes = {names.GEN_AI_OPERATION_NAME: self._kind.operation, **attributes}
        agent = outside.get(_AGENT)
        if isinstance(agent, str) and self._kind is TOOL:
            self._attributes[names.GEN_AI_AGENT_NAME] = agent
        name = self._attributes.get(self._kind.name)
        span_name = f"{self._kind.operation} {name}" if name else self._kind.operation
        on_span = {**self._attributes, **(attributes_in(outside) or {}), **self._content(self._kind.given, given)}
        self._span = self._telemetry.tracer.start_span(span_name, outside, SpanKind.INTERNAL, on_span)
        entries = {**outside, _SPAN_KEY: self._span}
        if self._kind is AGENT and name:
            entries[_AGENT] = name
        self.context = Context(entries)
        self._began = perf_counter()
        self._open.append(True)

    def enter(self) -> Any:
        """Make the context current for a stretch of the application's code without a yield in it."""
        return contexts.attach(self.context)

    @staticmethod
    def leave(token: Any) -> None:
        """End that stretch."""
        try:
            _RUNTIME_CONTEXT.detach(token)
        except ValueError:  # ended in another context, as where a generator is closed by the garbage collector
            return

    @guarded
    def stop(self, returned: object = None) -> None:
        """End, with what was returned."""
        if self._open:
            self._end(None, None, self._content(self._kind.returned, returned))

    @guarded
    def fail(self, error: BaseException) -> None:
        """End by the host's exception."""
        self._end(error_type(error), error, {})

    def _content(self, attribute: str, value: object) -> dict[str, AttributeValue]:
        policy = self._telemetry.content
        return {attribute: policy.text(value)} if policy.on_span and value is not None else {}

    def _end(self, failed: str | None, error: BaseException | None, attributes: dict[str, AttributeValue]) -> None:
        try:
            self._open.pop()
        except IndexError:
            return
        duration = perf_counter() - self._began
        if failed is not None:
            attributes[names.ERROR_TYPE] = failed
            self._span.set_status(Status(StatusCode.ERROR, self._telemetry.message_of(error)))
        self._span.set_attributes(attributes)
        self._span.end()
        point = {key: self._attributes[key] for key in self._kind.on_points if key in self._attributes}
        name = point.get(self._kind.name)
        if name is not None and not _names.admits((self._kind.operation, name)):
            point[self._kind.name] = OTHER
        if failed is not None:
            point[names.ERROR_TYPE] = failed
        self._duration().record(duration, point, self.context)

    def _duration(self) -> Histogram:
        instruments = self._telemetry.instruments
        if self._kind is TOOL:
            return instruments.tool_duration
        return instruments.agent_duration if self._kind is AGENT else instruments.workflow_duration
