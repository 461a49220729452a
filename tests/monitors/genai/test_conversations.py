"""Totals of conversations."""

from __future__ import annotations

import threading

import pytest

from otelml.monitors.genai import Conversations, Cost
from otelml.observations.genai import TokenUsage
from otelml.semconv.attributes import GenAiConversationEndReason as Reason
from otelml.semconv.attributes import GenAiOperationName
from tests.monitors.genai.calls import call

NOW = [0.0]


@pytest.fixture
def conversations() -> Conversations:
    """Two may be open, for a minute."""
    NOW[0] = 0.0
    return Conversations(2, 60.0, clock=lambda: NOW[0])


def cost(amount: float, currency: str = "USD", rate: float | None = 1.0) -> Cost:
    """The cost of a call."""
    return Cost(amount, currency, rate, "local", "test", {})


def test_totals(conversations: Conversations) -> None:
    """Turns, tokens and cost of the calls of a conversation are added up, apart from those of others."""
    for amount in (1.0, 2.0):
        assert conversations.add("a", call(), cost(amount), "new", "refund") == []
    conversations.add("b", call(), cost(9.0))
    result = conversations.complete("a")
    assert result is not None
    assert (result.turns, result.input_tokens, result.output_tokens, result.unpriced) == (2, 200, 20, 0)
    assert (result.cost, result.currency, result.usd) == (3.0, "USD", 3.0)
    assert (result.id, result.reason, result.provider, result.persona) == ("a", Reason.COMPLETED, "openai", "new")
    assert conversations.complete("a") is None


def test_persona_is_kept_when_a_call_does_not_say(conversations: Conversations) -> None:
    """What an earlier call said holds until a later one says otherwise."""
    conversations.add("a", call(), None, "new", "refund")
    conversations.add("a", call(), None, None, "order")
    result = conversations.complete("a")
    assert result is not None
    assert (result.persona, result.query_type) == ("new", "order")


@pytest.mark.parametrize("reason", ["tool_calls", "tool_use", "tool_call", "function_call"])
def test_calls_that_go_on_with_a_tools_result_are_one_turn(conversations: Conversations, reason: str) -> None:
    """An agent that asks for two tools in a row has taken one turn when it answers."""
    for reasons in ((reason,), ("stop", reason), ("stop",), ("stop",)):
        conversations.add("a", call(finish_reasons=reasons), None)
    result = conversations.complete("a")
    assert result is not None
    assert result.turns == 2


def test_what_is_no_turn(conversations: Conversations) -> None:
    """Neither embeddings nor failed calls are, and between a tool's call and its result they change nothing."""
    conversations.add("a", call(finish_reasons=("tool_calls",)), None)
    conversations.add("a", call(operation=GenAiOperationName.EMBEDDINGS, finish_reasons=()), None)
    conversations.add("a", call(error_type="TimeoutError", finish_reasons=(), usage=TokenUsage()), None)
    conversations.add("a", call(), None)
    result = conversations.complete("a")
    assert result is not None
    assert result.turns == 1


def test_unknown_costs_are_counted(conversations: Conversations) -> None:
    """A call of unknown price makes the sum a lower bound, which is said; one that failed does not."""
    conversations.add("a", call(), cost(1.0))
    conversations.add("a", call(), None)
    conversations.add("a", call(error_type="RateLimitError", usage=TokenUsage()), None)
    conversations.add("b", call(), None)
    first, second = conversations.complete("a"), conversations.complete("b")
    assert first is not None
    assert second is not None
    assert (first.cost, first.usd, first.unpriced) == (1.0, None, 1)
    assert (second.cost, second.currency, second.usd, second.unpriced) == (None, None, None, 1)


def test_currencies_do_not_add_up(conversations: Conversations) -> None:
    """Of two currencies there is a sum in USD only, and only with both rates."""
    conversations.add("a", call(), cost(1.0))
    conversations.add("a", call(), cost(2.0, "EUR", 1.5))
    conversations.add("b", call(), cost(2.0, "EUR", None))
    first, second = conversations.complete("a"), conversations.complete("b")
    assert first is not None
    assert second is not None
    assert (first.cost, first.currency, first.usd) == (None, None, 4.0)
    assert (second.cost, second.currency, second.usd) == (2.0, "EUR", None)


def test_idle_conversations_end(conversations: Conversations) -> None:
    """The next call, of whatever conversation, ends those without one for longer than the time-out."""
    conversations.add("a", call(), None)
    NOW[0] = 60.0
    assert conversations.expire() == []
    conversations.add("b", call(), None)
    NOW[0] = 61.0
    assert [(it.id, it.reason) for it in conversations.add("b", call(), None)] == [("a", Reason.TIMEOUT)]
    NOW[0] = 200.0
    assert [(it.id, it.turns) for it in conversations.expire()] == [("b", 2)]
    assert conversations.expire() == []


def test_a_conversation_that_was_closed_begins_anew(conversations: Conversations) -> None:
    """A late call opens it again, with nothing in it."""
    conversations.add("a", call(), None)
    NOW[0] = 100.0
    assert [it.turns for it in conversations.add("a", call(), None)] == [1]
    result = conversations.complete("a")
    assert result is not None
    assert result.turns == 1


def test_too_many_conversations(conversations: Conversations) -> None:
    """The one that was idle longest makes room."""
    for id_ in ("a", "b", "a"):
        conversations.add(id_, call(), None)
    assert [(it.id, it.reason) for it in conversations.add("c", call(), None)] == [("b", Reason.EVICTED)]


def test_close(conversations: Conversations) -> None:
    """At the end of the process all are closed; a forked child forgets them, they are its parent's to report."""
    conversations.add("a", call(), None)
    assert [it.reason for it in conversations.close()] == [Reason.SHUTDOWN]
    conversations.add("a", call(), None)
    conversations.clear()
    assert conversations.close() == []


def test_a_finaliser_may_add_a_call(conversations: Conversations) -> None:
    """A stream that is collected as garbage in the middle of our work reports its call: nothing waits for itself."""

    def clock() -> float:
        conversations._clock = lambda: NOW[0]
        conversations.add("a", call(), None)
        return NOW[0]

    conversations._clock = clock
    thread = threading.Thread(target=lambda: conversations.add("a", call(), None), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    result = conversations.complete("a")
    assert result is not None
    assert result.turns == 2


def test_no_call_is_lost_between_threads() -> None:
    """Threads that add to one conversation all count."""
    conversations = Conversations(10, 60.0)
    threads = [
        threading.Thread(target=lambda: [conversations.add("a", call(), cost(1.0)) for _ in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = conversations.complete("a")
    assert result is not None
    assert (result.turns, result.cost) == (2000, 2000.0)
