"""What one call has cost, and how much of the context window it has used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otelml.monitors.genai.prices import Price, Prices
from otelml.observations.genai import GenAICall, TokenUsage
from otelml.semconv.attributes import GenAiOperationName, GenAiUsageCostPart, GenAiUsageCostSource

_MILLION = 1_000_000
INFERENCES = frozenset(
    {
        GenAiOperationName.CHAT,
        GenAiOperationName.GENERATE_CONTENT,
        GenAiOperationName.TEXT_COMPLETION,
        GenAiOperationName.EMBEDDINGS,
    }
)
"""What is paid for, and others that tell tokens, such as images."""
_REPEATED = frozenset(
    {
        GenAiOperationName.FETCH_RESPONSE,
        GenAiOperationName.BATCH,
        GenAiOperationName.CREATE_AGENT,
        GenAiOperationName.INVOKE_AGENT,
        GenAiOperationName.INVOKE_WORKFLOW,
        GenAiOperationName.EXECUTE_TOOL,
        GenAiOperationName.PLAN,
    }
)
"""What may tell the tokens of other calls: those inside it, or earlier ones."""
_WITHOUT_OUTPUT = (GenAiOperationName.EMBEDDINGS,)
_IN_A_WINDOW = (GenAiOperationName.CHAT, GenAiOperationName.GENERATE_CONTENT, GenAiOperationName.TEXT_COMPLETION)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call has cost.

    Attributes:
        amount: in the currency.
        currency: an ISO 4217 code.
        usd_rate: what one unit of the currency is worth in USD, None where that is unknown.
        source: a value of `ml.gen_ai.usage.cost.source`.
        price_list: the list and its version.
        parts: value of `ml.gen_ai.usage.cost.part` -> amount in the currency.
    """

    amount: float
    currency: str
    usd_rate: float | None
    source: str
    price_list: str
    parts: Mapping[str, float]

    @property
    def usd(self) -> float | None:
        """The amount in USD."""
        return None if self.usd_rate is None else self.amount * self.usd_rate


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What is known of a call besides.

    Attributes:
        cost: None where it is unknown.
        window: size of the model's context window in tokens.
        utilization: the fraction of the window that input and output have used.
    """

    cost: Cost | None
    window: int | None
    utilization: float | None


def is_paid(operation: str, *, has_usage: bool) -> bool:
    """Whether an operation is one that providers charge for; of those that are no inference, tokens tell."""
    return operation in INFERENCES or (has_usage and operation not in _REPEATED)


def appraise(call: GenAICall, prices: Prices) -> Appraisal:
    """Look the call's model up and do the sums."""
    model = prices.find(call.provider, call.response_model, call.request_model)
    usage = call.usage
    cost = None if model.price is None else cost_of(usage, model.price, call.operation)
    utilization = None
    if model.window and usage.input is not None and call.operation in _IN_A_WINDOW:
        utilization = (usage.input + (usage.output or 0)) / model.window
    return Appraisal(cost, model.window, utilization)


def cost_of(usage: TokenUsage, price: Price, operation: str) -> Cost | None:
    """What the tokens of one call have cost; None where a count or a rate that is needed is unknown.

    Tokens read from a cache, written to it, of audio and of reasoning are part of the totals and are taken out of them,
    so that each is charged once. Where the cached tokens exceed the input, the instrumentation has reported the input
    without them (Anthropic's API counts like that), and nothing is taken out.
    """
    output = 0 if usage.output is None and operation in _WITHOUT_OUTPUT else usage.output
    if usage.input is None or output is None:
        return None
    read, written = usage.cache_read or 0, usage.cache_write or 0
    spoken, said = usage.audio_input or 0, usage.audio_output or 0
    total_input = usage.input if read + written <= usage.input else usage.input + read + written
    fresh = max(total_input - read - written - spoken, 0)
    thought = usage.reasoning or 0
    # Google counts thoughts beside the answer (candidates), so some instrumentations report more of them than output.
    written_out = max(output - thought - said, 0) if thought <= output else output
    rates = price.rates(total_input)
    charges = (
        (GenAiUsageCostPart.INPUT, fresh, rates.input),
        (GenAiUsageCostPart.INPUT, spoken, _first(rates.audio_input, rates.input)),
        (GenAiUsageCostPart.CACHE_READ, read, _first(rates.cache_read, rates.input)),
        (GenAiUsageCostPart.CACHE_WRITE, written, _first(rates.cache_write, rates.input)),
        (GenAiUsageCostPart.OUTPUT, written_out, rates.output),
        (GenAiUsageCostPart.OUTPUT, said, _first(rates.audio_output, rates.output)),
        (GenAiUsageCostPart.REASONING, thought, _first(rates.reasoning, rates.output)),
    )
    parts: dict[str, float] = {}
    for part, tokens, rate in charges:
        if not tokens:
            continue
        if rate is None:
            return None
        parts[part] = parts.get(part, 0.0) + tokens * rate / _MILLION
    if not parts and rates.input is None and rates.output is None and not rates.request:
        return None
    amount = sum(parts.values()) + rates.request
    return Cost(amount, price.currency, price.usd_rate, GenAiUsageCostSource.LOCAL, price.source, parts)


def _first(rate: float | None, fallback: float | None) -> float | None:
    return fallback if rate is None else rate
