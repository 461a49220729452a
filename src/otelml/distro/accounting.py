"""What is done about every GenAI call, whoever tells of it: priced, counted once, added to its conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.context import Context

from otelml._guard import guarded
from otelml.monitors.genai import Appraisal, Conversations, Ledger, Prices, appraise, is_paid
from otelml.observations.genai import GenAICall, Value
from otelml.semconv import attributes as names
from otelml.settings import Settings
from otelml.telemetry import conversation
from otelml.telemetry.genai_spending import Spending

OURS = "otelml"
"""The teller of the calls that otelml's own instrumentations observe, and how their scopes begin."""


class Accounting:
    """The books of the process: an observer of GenAI calls, and the keeper of conversations.

    One call has one cost. A response that another instrumentation has told of is not counted again; of spans inside one
    another, the innermost that knows the tokens counts (`distro.enrichment`), since a framework's span may stand for
    several calls of its client, each of which is paid for.
    """

    def __init__(
        self, prices: Prices, settings: Settings, *, at_collection: Callable[[], None] | None = None, **providers: Any
    ) -> None:
        """Open the books.

        Args:
            prices: what models charge.
            settings: the settings in force.
            at_collection: what else is to be done whenever metrics are collected.
            **providers: `meter_provider` and `logger_provider`; the global ones by default.
        """
        self.ledger = Ledger()
        self._at_collection = at_collection
        self._conversations = Conversations(settings.max_conversations, settings.conversation_timeout)
        self._spending = Spending(self._expire, **providers)
        self.configure(prices, settings)

    def configure(self, prices: Prices, settings: Settings) -> None:
        """Put prices and settings in force."""
        self._prices = prices
        self._spending.configure(settings)
        self._conversations.configure(settings.max_conversations, settings.conversation_timeout)

    def observe_genai(self, call: GenAICall) -> Mapping[str, Value] | None:
        """Take one call of a client that otelml instruments; return what its span says besides."""
        if not is_paid(call.operation, has_usage=call.usage.known):
            return None
        if call.span_owner is not None and call.response_id is None:
            return None  # told of by the owner's span, and nothing would show that both are one
        if not self.ledger.admits(call.response_id, OURS):
            return None
        appraisal = self.count(call)
        if call.recording:
            self.ledger.shown(call.response_id)
        return shown(appraisal)

    def complete(self, conversation_id: str) -> None:
        """Take it that the application has ended a conversation."""
        result = self._conversations.complete(conversation_id)
        if result is not None:
            self._spending.conversations([result])

    def appraise(self, call: GenAICall) -> Appraisal:
        """What is known of a call besides, without counting it."""
        return appraise(call, self._prices)

    def count(self, call: GenAICall) -> Appraisal:
        """Record the cost of a call, and add it to its conversation."""
        appraisal = appraise(call, self._prices)
        context = Context(call.context)
        attributes = self._spending.attributes(call)
        cost = appraisal.cost
        if cost is not None and cost.usd_rate is not None:
            parts = {part: amount * cost.usd_rate for part, amount in cost.parts.items()}
            self._spending.cost(attributes, cost.amount * cost.usd_rate, cost.source, parts, context)
        elif cost is None and (call.error_type is None or call.usage.known):
            self._spending.unpriced(attributes)
        if appraisal.utilization is not None:
            self._spending.utilization(attributes, appraisal.utilization, context)
        said = conversation.attributes_in(call.context)
        id_ = call.conversation_id or said.get(names.GEN_AI_CONVERSATION_ID)
        if id_ is not None:
            persona, query_type = said.get(names.ML_GEN_AI_CONVERSATION_PERSONA), said.get(names.ML_GEN_AI_QUERY_TYPE)
            self._spending.conversations(self._conversations.add(id_, call, cost, persona, query_type))
        return appraisal

    def _expire(self) -> None:
        self._spending.conversations(self._conversations.expire())
        if self._at_collection is not None:
            self._at_collection()

    @guarded
    def close(self) -> None:
        """Report the conversations that are open, as the process ends."""
        self._spending.conversations(self._conversations.close())

    def reset_in_child(self) -> None:
        """Forget what the parent process will report."""
        self.ledger.clear()
        self._conversations.clear()


def shown(appraisal: Appraisal) -> dict[str, Value]:
    """What a span says of an appraisal."""
    attributes: dict[str, Value] = {}
    cost = appraisal.cost
    if cost is not None:
        attributes[names.ML_GEN_AI_USAGE_COST_AMOUNT] = cost.amount
        attributes[names.ML_GEN_AI_USAGE_COST_CURRENCY] = cost.currency
        attributes[names.ML_GEN_AI_USAGE_COST_SOURCE] = cost.source
        attributes[names.ML_GEN_AI_USAGE_COST_PRICE_LIST] = cost.price_list
    if appraisal.window is not None:
        attributes[names.ML_GEN_AI_CONTEXT_WINDOW_SIZE] = appraisal.window
    if appraisal.utilization is not None:
        attributes[names.ML_GEN_AI_CONTEXT_UTILIZATION] = appraisal.utilization
    return attributes
