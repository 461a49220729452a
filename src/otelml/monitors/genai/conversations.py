"""Turns, tokens and cost of conversations, as long as they go on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from otelml.monitors.genai.cost import Cost
from otelml.observations.conversations import ConversationResult
from otelml.observations.genai import GenAICall
from otelml.semconv.attributes import GenAiConversationEndReason, GenAiOperationName

_NO_TURN = (GenAiOperationName.EMBEDDINGS,)
_ASKED_FOR_TOOLS = frozenset({"tool_calls", "tool_use", "tool_call", "function_call"})
"""Finish reasons of OpenAI, Anthropic and the convention, and OpenAI's of old: the next call goes on with the turn."""


class _Totals:
    __slots__ = (
        "asked_for_tools",
        "costs",
        "input_tokens",
        "output_tokens",
        "persona",
        "provider",
        "query_type",
        "touched",
        "turns",
        "unpriced",
        "usd",
    )

    def __init__(self) -> None:
        self.provider = ""
        self.persona: str | None = None
        self.query_type: str | None = None
        self.turns = self.input_tokens = self.output_tokens = self.unpriced = 0
        self.costs: dict[str, float] = {}
        self.usd: float | None = 0.0
        self.asked_for_tools = False
        self.touched = 0.0

    def add(self, call: GenAICall, cost: Cost | None) -> None:
        self.provider = call.provider
        self.input_tokens += call.usage.input or 0
        self.output_tokens += call.usage.output or 0
        if cost is not None:
            self.costs[cost.currency] = self.costs.get(cost.currency, 0.0) + cost.amount
            self.usd = None if self.usd is None or cost.usd is None else self.usd + cost.usd
        elif call.error_type is None or call.usage.known:
            self.unpriced += 1
            self.usd = None
        if call.error_type is None and call.operation not in _NO_TURN:
            self.turns += not self.asked_for_tools
            self.asked_for_tools = not _ASKED_FOR_TOOLS.isdisjoint(call.finish_reasons)

    def result(self, id_: str, reason: str) -> ConversationResult:
        single = next(iter(self.costs.items())) if len(self.costs) == 1 else None
        return ConversationResult(
            id=id_,
            reason=reason,
            provider=self.provider,
            persona=self.persona,
            query_type=self.query_type,
            turns=self.turns,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            unpriced=self.unpriced,
            cost=single[1] if single else None,
            currency=single[0] if single else None,
            usd=self.usd if self.costs else None,
        )


class Conversations:
    """The totals of the conversations that are open, the one that was idle longest first.

    A turn is one call with those that follow it because it asked for tools. A call that failed is no turn.
    """

    def __init__(self, max_open: int, timeout: float, clock: Callable[[], float] = monotonic) -> None:
        """Open nothing yet.

        Args:
            max_open: when there are more, the one that was idle longest is closed.
            timeout: seconds without a call after which a conversation is closed.
            clock: seconds.
        """
        self._max_open = max_open
        self._timeout = timeout
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget everything, as a forked child must: the conversations are its parent's to report."""
        # Reentrant: a span that ends in a finaliser may come while this thread is in here.
        self._lock = threading.RLock()
        self._open: OrderedDict[str, _Totals] = OrderedDict()

    def configure(self, max_open: int, timeout: float) -> None:
        """Set the limits anew; they hold from the next call on."""
        self._max_open, self._timeout = max_open, timeout

    def add(
        self, id_: str, call: GenAICall, cost: Cost | None, persona: str | None = None, query_type: str | None = None
    ) -> list[ConversationResult]:
        """Add a call to its conversation.

        Returns:
            The conversations that end by it: those that were idle too long, and those that are too many.
        """
        with self._lock:
            closed = self._expire()
            totals = self._open.setdefault(id_, _Totals())
            self._open.move_to_end(id_)
            totals.touched = self._clock()
            totals.persona = persona or totals.persona
            totals.query_type = query_type or totals.query_type
            totals.add(call, cost)
            while len(self._open) > self._max_open:
                closed.append(self._close_oldest(GenAiConversationEndReason.EVICTED))
        return closed

    def complete(self, id_: str) -> ConversationResult | None:
        """End a conversation; None where it has no calls."""
        with self._lock:
            totals = self._open.pop(id_, None)
        return None if totals is None else totals.result(id_, GenAiConversationEndReason.COMPLETED)

    def expire(self) -> list[ConversationResult]:
        """End the conversations that were idle for too long."""
        with self._lock:
            return self._expire()

    def close(self) -> list[ConversationResult]:
        """End all, as the process does."""
        with self._lock:
            return [self._close_oldest(GenAiConversationEndReason.SHUTDOWN) for _ in range(len(self._open))]

    def _expire(self) -> list[ConversationResult]:
        closed = []
        deadline = self._clock() - self._timeout
        while self._open and next(iter(self._open.values())).touched < deadline:
            closed.append(self._close_oldest(GenAiConversationEndReason.TIMEOUT))
        return closed

    def _close_oldest(self, reason: str) -> ConversationResult:
        id_, totals = self._open.popitem(last=False)
        return totals.result(id_, reason)
