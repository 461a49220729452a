"""What a conversation with a GenAI model came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConversationResult:
    """The totals of a conversation in this process.

    Attributes:
        id: a value of `gen_ai.conversation.id`.
        reason: why the totals were closed, a value of `ml.gen_ai.conversation.end.reason`.
        provider: of its last call.
        persona: the kind of user, as the application names it.
        query_type: the last kind of question, as the application names it.
        turns: number of turns.
        input_tokens: of all calls.
        output_tokens: of all calls.
        unpriced: number of calls whose cost is unknown.
        cost: of the other calls, in the currency; None where none was priced, or in more than one currency.
        currency: an ISO 4217 code, where there is a cost.
        usd: the cost in USD; None where a call was not priced or its currency has no rate.
    """

    id: str
    reason: str
    provider: str
    persona: str | None
    query_type: str | None
    turns: int
    input_tokens: int
    output_tokens: int
    unpriced: int
    cost: float | None
    currency: str | None
    usd: float | None
