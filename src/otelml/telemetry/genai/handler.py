"""The door to GenAI telemetry for the hook of a client: starts operations, holds the instruments behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry._logs import Logger, LoggerProvider, get_logger
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider, get_meter, get_meter_provider
from opentelemetry.trace import SpanKind, Tracer, TracerProvider, get_tracer
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util.types import AttributeValue

from otelml._guard import guarded
from otelml._version import __version__
from otelml.observations.protocols import GenAIObserver
from otelml.semconv import SCHEMA_URL
from otelml.semconv import attributes as names
from otelml.settings import Settings
from otelml.telemetry import collection, errors
from otelml.telemetry.content import ContentPolicy
from otelml.telemetry.conversation import given_in
from otelml.telemetry.genai import capture, hooks, nesting
from otelml.telemetry.genai.estimating import Estimate
from otelml.telemetry.genai.facts import Answer, Endpoint, Server
from otelml.telemetry.genai.instruments import Instruments
from otelml.telemetry.genai.names import REQUEST_FIELDS
from otelml.telemetry.genai.nesting import Owner
from otelml.telemetry.genai.operation import GenAIOperation
from otelml.telemetry.genai.target import Targets
from otelml.telemetry.genai.tokenizers import Tokenizers
from otelml.telemetry.labels import OTHER, Distinct, text

_MAX_FIELD_LENGTH = 256
_MAX_FIELD_ITEMS = 16


class GenAITelemetry:
    """What the hook of one client, or the application's own tools and agents, emit through.

    Attributes:
        tracer: starts the spans.
        instruments: record the metrics.
        logger: emits the events.
        content: what may be said of prompts and answers.
        observers: who is told of every call.
    """

    def __init__(
        self,
        scope: str,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
    ) -> None:
        """Make the scope's tracer, meter and logger.

        Args:
            scope: the name of the instrumentation scope.
            tracer_provider: where spans go; the global provider by default, also when the application sets it later.
            meter_provider: likewise for metrics.
            logger_provider: likewise for events.
        """
        self.tracer: Tracer = get_tracer(scope, __version__, tracer_provider, SCHEMA_URL)
        self.logger: Logger = get_logger(scope, __version__, logger_provider, SCHEMA_URL)
        meter = get_meter(scope, __version__, meter_provider, SCHEMA_URL)
        self.instruments = Instruments(meter)
        collection.register_faults(meter, meter_provider or get_meter_provider())
        self.observers: tuple[GenAIObserver, ...] = ()
        self.configure(Settings())

    def configure(self, settings: Settings) -> None:
        """Put settings in force."""
        self.settings = settings
        self.hook = hooks.completion_hook()
        self.content = ContentPolicy(settings, hooked=self.hook is not None)
        self._tokenizers = Tokenizers(settings)
        self._targets = Targets(settings.max_models)
        self._values = {key: Distinct() for key in settings.metric_attributes}

    def start(
        self, endpoint: Endpoint, given: Any, server: Server, context: Context, owner: Owner | None = None
    ) -> GenAIOperation | None:
        """Begin a call; None where it shall leave no trace, or is part of a call that is reported already.

        Args:
            endpoint: the kind of call.
            given: what the endpoint reads the request from.
            server: who is asked.
            context: the context of the host's call.
            owner: who will have a span for it, where that is known before there is one.
        """
        asked = endpoint.request(given)
        target = self._targets.get(asked.operation, server, asked.model)
        extra = None
        if context:
            if nesting.is_suppressed(context, target.context_key):
                return None
            owner = nesting.owner_of(context) or owner
            if owner is not None and owner.has_metrics:
                return None
            extra = given_in(context, self.settings.baggage_attributes)
        operation = GenAIOperation(self, asked, server, target, owner, context, extra)
        if self.content.wanted and endpoint.content is not None:
            operation.content = capture.read(endpoint.content, given)
        if endpoint.said is not None and asked.metered and asked.fields.get("stream"):
            tokenizer = self._tokenizers.of(asked.model)
            operation.estimate = None if tokenizer is None else Estimate(endpoint, given, tokenizer)
        entries = dict(context)
        if owner is None:
            entries[_SPAN_KEY] = operation.span = self.tracer.start_span(
                target.span_name, context, SpanKind.CLIENT, self.span_attributes(operation)
            )
        if target.context_key is not None:
            entries[target.context_key] = True  # not the operation: a cycle would keep it until a collection
        operation.context = Context(entries)
        return operation

    def span_attributes(self, operation: GenAIOperation) -> dict[str, AttributeValue]:
        """What is known of a call's span before the call."""
        attributes = dict(operation.target.attributes)
        request = operation.request
        for field, value in request.fields.items():
            attributes[REQUEST_FIELDS[field]] = _bounded(value)
        if operation.extra:
            attributes.update(operation.extra)
        if request.conversation_id is not None:
            attributes[names.GEN_AI_CONVERSATION_ID] = request.conversation_id
        return attributes

    def metric_attributes(self, context: Context) -> Mapping[str, AttributeValue] | None:
        """The attributes given by the application in this context that the settings allow on metrics."""
        given = given_in(context, self.settings.baggage_attributes) if self._values else None
        if not given:
            return None
        return {
            key: text(given[key]) if distinct.admits(text(given[key])) else OTHER
            for key, distinct in self._values.items()
            if key in given
        }

    def message_of(self, error: BaseException | None) -> str | None:
        """The description of a span's error, where the settings allow it: it may quote the request."""
        if error is None or not self.settings.exception_messages:
            return None
        return errors.message_of(error)

    @guarded
    def tell_content(self, operation: GenAIOperation, answer: Answer, attributes: dict[str, AttributeValue]) -> None:
        """Put content where the policy wants it: span, event, hook."""
        capture.tell(self, operation, answer, attributes)


def _bounded(value: str | bool | int | float | Sequence[str]) -> AttributeValue:
    if isinstance(value, str):
        return value[:_MAX_FIELD_LENGTH]
    if isinstance(value, (bool, int, float)):
        return value
    return tuple(item[:_MAX_FIELD_LENGTH] for item in value[:_MAX_FIELD_ITEMS])
