"""The metrics and events of cost, context windows and conversations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber, get_logger
from opentelemetry.context import Context, get_current
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter
from opentelemetry.trace import INVALID_SPAN, set_span_in_context
from opentelemetry.util.types import AttributeValue

from otelml._forks import call_in_children
from otelml._guard import guarded
from otelml._version import __version__
from otelml.observations.conversations import ConversationResult
from otelml.observations.genai import GenAICall
from otelml.semconv import SCHEMA_URL, events, metrics
from otelml.semconv import attributes as names
from otelml.settings import Settings
from otelml.telemetry import conversation
from otelml.telemetry.labels import OTHER, Distinct, text

SCOPE = "otelml.genai"

# A conversation that was idle ends while something else happens, which it has nothing to do with. An empty context will
# not do: the SDK (1.45) takes the current one for it.
_NO_SPAN = set_span_in_context(INVALID_SPAN, Context())

_Attributes = dict[str, AttributeValue]
_Key = tuple[tuple[str, AttributeValue], ...]


class Spending:
    """Reports what calls and conversations have cost."""

    def __init__(
        self,
        before_collection: Callable[[], object],
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
    ) -> None:
        """Make the instruments.

        Args:
            before_collection: called whenever metrics are collected, before they are.
            meter_provider: where metrics go; the global provider by default, also when the application sets it later.
            logger_provider: likewise for events.
        """
        meter = get_meter(SCOPE, __version__, meter_provider, SCHEMA_URL)
        self._logger = get_logger(SCOPE, __version__, logger_provider, SCHEMA_URL)
        self._cost = metrics.ML_GEN_AI_CLIENT_OPERATION_COST.create(meter)
        self._utilization = metrics.ML_GEN_AI_CONTEXT_UTILIZATION.create(meter)
        self._conversation_cost = metrics.ML_GEN_AI_CONVERSATION_COST.create(meter)
        self._turns = metrics.ML_GEN_AI_CONVERSATION_TURNS.create(meter)
        self._before_collection = before_collection
        self.configure(Settings())
        self._reset()
        metrics.ML_GEN_AI_CLIENT_TOKEN_COSTS.observe(meter, [self._read_costs])
        metrics.ML_GEN_AI_CLIENT_UNPRICED_OPERATIONS.observe(meter, [self._read_unpriced])
        call_in_children(self._reset)

    def configure(self, settings: Settings) -> None:
        """Put settings in force."""
        self._models = Distinct(settings.max_models)
        self._values = {key: Distinct() for key in settings.metric_attributes}
        self._baggage = settings.baggage_attributes

    def _reset(self) -> None:
        # Reentrant: a span that ends in a finaliser may come while this thread is in here.
        self._lock = threading.RLock()
        self._costs: dict[_Key, float] = {}
        self._unpriced: dict[_Key, int] = {}

    def attributes(self, call: GenAICall) -> _Attributes:
        """What the metrics of a call bear."""
        attributes: _Attributes = {
            names.GEN_AI_OPERATION_NAME: call.operation,
            names.GEN_AI_PROVIDER_NAME: call.provider,
        }
        if call.request_model is not None:
            attributes[names.GEN_AI_REQUEST_MODEL] = self._model(call.request_model)
        if call.response_model is not None:
            attributes[names.GEN_AI_RESPONSE_MODEL] = self._model(call.response_model)
        if self._values:
            attributes.update(self._of_context(call.context))
        return attributes

    def _of_context(self, context: Mapping[str, object]) -> _Attributes:
        given = conversation.given_in(context, self._baggage)
        return {key: self._bounded(key, text(given[key])) for key in self._values if key in given}

    def _model(self, name: str) -> str:
        return name if self._models.admits(name) else OTHER

    def _bounded(self, key: str, value: str) -> str:
        return value if self._values[key].admits(value) else OTHER

    def cost(
        self, attributes: _Attributes, usd: float, source: str, parts: Mapping[str, float], context: Context
    ) -> None:
        """Record the cost of a call.

        Args:
            attributes: from `attributes`.
            usd: what the call has cost.
            source: a value of `ml.gen_ai.usage.cost.source`.
            parts: value of `ml.gen_ai.usage.cost.part` -> USD.
            context: of the call, for exemplars.
        """
        self._cost.record(usd, {**attributes, names.ML_GEN_AI_USAGE_COST_SOURCE: source}, context)
        base = tuple(attributes.items())
        with self._lock:
            for part, amount in parts.items():
                key = (*base, (names.ML_GEN_AI_USAGE_COST_PART, part))
                self._costs[key] = self._costs.get(key, 0.0) + amount

    def unpriced(self, attributes: _Attributes) -> None:
        """Count a call whose cost is unknown."""
        key = tuple(attributes.items())
        with self._lock:
            self._unpriced[key] = self._unpriced.get(key, 0) + 1

    def utilization(self, attributes: _Attributes, fraction: float, context: Context) -> None:
        """Record the fraction of the context window that a call has used."""
        self._utilization.record(fraction, attributes, context)

    def conversations(self, results: Iterable[ConversationResult]) -> None:
        """Report conversations that have ended."""
        for result in results:
            self._conversation(result)

    def _conversation(self, result: ConversationResult) -> None:
        said = {
            names.ML_GEN_AI_CONVERSATION_PERSONA: result.persona,
            names.ML_GEN_AI_QUERY_TYPE: result.query_type,
        }
        attributes: _Attributes = {names.GEN_AI_PROVIDER_NAME: result.provider}
        attributes.update(
            {key: self._bounded(key, value) for key, value in said.items() if value and key in self._values}
        )
        self._turns.record(result.turns, attributes)
        if result.usd is not None:
            self._conversation_cost.record(result.usd, attributes)
        event = events.ML_GEN_AI_CONVERSATION_RESULT
        about: dict[str, AttributeValue | None] = {
            names.GEN_AI_CONVERSATION_ID: result.id,
            names.GEN_AI_PROVIDER_NAME: result.provider,
            names.GEN_AI_USAGE_INPUT_TOKENS: result.input_tokens,
            names.GEN_AI_USAGE_OUTPUT_TOKENS: result.output_tokens,
            names.ML_GEN_AI_CONVERSATION_TURN_COUNT: result.turns,
            names.ML_GEN_AI_CONVERSATION_UNPRICED_COUNT: result.unpriced,
            names.ML_GEN_AI_CONVERSATION_END_REASON: result.reason,
            names.ML_GEN_AI_CONVERSATION_COST: result.cost,
            names.ML_GEN_AI_USAGE_COST_CURRENCY: result.currency,
            **said,
        }
        completed = result.reason == names.GenAiConversationEndReason.COMPLETED
        self._logger.emit(
            LogRecord(
                event_name=event.name,
                severity_number=SeverityNumber(event.severity_number),
                attributes={name: value for name, value in about.items() if value is not None},
                context=get_current() if completed else _NO_SPAN,
            )
        )

    def _read_costs(self, _options: CallbackOptions) -> list[Observation]:
        self._prepare()
        with self._lock:
            return [Observation(amount, dict(key)) for key, amount in self._costs.items()]

    def _read_unpriced(self, _options: CallbackOptions) -> list[Observation]:
        with self._lock:
            return [Observation(count, dict(key)) for key, count in self._unpriced.items()]

    @guarded
    def _prepare(self) -> None:
        self._before_collection()
