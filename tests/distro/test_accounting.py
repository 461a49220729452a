"""What is reported of GenAI calls that otelml observes."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach, get_current

import otelml
from otelml.observations.genai import TokenUsage
from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from otelml.semconv.attributes import GenAiConversationEndReason, GenAiOperationName, GenAiUsageCostPart
from otelml.telemetry.conversation import conversation
from tests.distro.conftest import Books
from tests.monitors.genai.calls import call
from tests.support.telemetry import Telemetry

COST, COSTS = metrics.ML_GEN_AI_CLIENT_OPERATION_COST.name, metrics.ML_GEN_AI_CLIENT_TOKEN_COSTS.name
UNPRICED, USE = metrics.ML_GEN_AI_CLIENT_UNPRICED_OPERATIONS.name, metrics.ML_GEN_AI_CONTEXT_UTILIZATION.name
CONVERSATION_COST, TURNS = metrics.ML_GEN_AI_CONVERSATION_COST.name, metrics.ML_GEN_AI_CONVERSATION_TURNS.name
RESULT = events.ML_GEN_AI_CONVERSATION_RESULT.name

USAGE = TokenUsage(input=100, output=10, cache_read=40, cache_write=20)
AMOUNT = (40 * 2 + 40 * 1 + 20 * 3 + 10 * 8) / 1e6


def test_a_priced_call(telemetry: Telemetry, books: Books) -> None:
    """Its span is told the cost and the window; the histograms have one record, the counter the parts."""
    shown = books().observe_genai(call(request_model="gpt", response_model="gpt-1", usage=USAGE))
    assert shown == {
        names.ML_GEN_AI_USAGE_COST_AMOUNT: pytest.approx(AMOUNT),
        names.ML_GEN_AI_USAGE_COST_CURRENCY: "USD",
        names.ML_GEN_AI_USAGE_COST_SOURCE: names.GenAiUsageCostSource.LOCAL,
        names.ML_GEN_AI_USAGE_COST_PRICE_LIST: "custom",
        names.ML_GEN_AI_CONTEXT_WINDOW_SIZE: 1000,
        names.ML_GEN_AI_CONTEXT_UTILIZATION: 0.11,
    }
    about = {
        names.GEN_AI_OPERATION_NAME: GenAiOperationName.CHAT,
        names.GEN_AI_PROVIDER_NAME: "openai",
        names.GEN_AI_REQUEST_MODEL: "gpt",
        names.GEN_AI_RESPONSE_MODEL: "gpt-1",
    }
    cost, use = telemetry.point(COST), telemetry.point(USE)
    assert cost.count == 1
    assert cost.value == pytest.approx(AMOUNT)
    assert cost.attributes == {**about, names.ML_GEN_AI_USAGE_COST_SOURCE: "local"}
    assert (use.count, use.value, use.attributes) == (1, 0.11, about)
    parts = {it.attributes[names.ML_GEN_AI_USAGE_COST_PART]: it.value * 1e6 for it in telemetry.points(COSTS)}
    assert parts == {
        GenAiUsageCostPart.INPUT: pytest.approx(80),
        GenAiUsageCostPart.CACHE_READ: pytest.approx(40),
        GenAiUsageCostPart.CACHE_WRITE: pytest.approx(60),
        GenAiUsageCostPart.OUTPUT: pytest.approx(80),
    }
    assert telemetry.points(UNPRICED) == []


@pytest.mark.parametrize(
    "facts",
    [{"request_model": "unheard-of"}, {"request_model": "gpt", "usage": TokenUsage()}, {"request_model": None}],
    ids=["unknown model", "unknown tokens", "no model"],
)
def test_an_unpriced_call(telemetry: Telemetry, books: Books, facts: dict[str, Any]) -> None:
    """A call of unknown price is counted as such, and is nowhere free of charge."""
    shown = books().observe_genai(call(**facts))
    assert names.ML_GEN_AI_USAGE_COST_AMOUNT not in (shown or {})
    assert telemetry.total(UNPRICED) == 1
    assert telemetry.points(COST) == telemetry.points(COSTS) == []


def test_a_free_call_is_priced(telemetry: Telemetry, books: Books) -> None:
    """A price of 0 is recorded."""
    books().observe_genai(call(request_model="free"))
    assert (telemetry.point(COST).count, telemetry.point(COST).value) == (1, 0)
    assert telemetry.points(UNPRICED) == []


def test_a_failed_call_costs_nothing(telemetry: Telemetry, books: Books) -> None:
    """An error without tokens is neither priced nor unpriced."""
    books().observe_genai(call(error_type="RateLimitError", usage=TokenUsage()))
    assert telemetry.points(UNPRICED) == telemetry.points(COST) == []


@pytest.mark.parametrize(
    "operation", [GenAiOperationName.FETCH_RESPONSE, GenAiOperationName.INVOKE_AGENT, GenAiOperationName.EXECUTE_TOOL]
)
def test_what_is_not_paid_for(telemetry: Telemetry, books: Books, operation: str) -> None:
    """Operations that repeat the tokens of others are left alone."""
    assert books().observe_genai(call(operation=operation, request_model="gpt")) is None
    assert telemetry.metrics == {}


def test_operations_besides_inference(telemetry: Telemetry, books: Books) -> None:
    """Those with tokens are paid for; one without, such as a moderation, is no unpriced call."""
    accounting = books()
    accounting.observe_genai(call(operation=GenAiOperationName.IMAGE_GENERATION, request_model="gpt"))
    accounting.observe_genai(call(operation=GenAiOperationName.MODERATION, request_model="gpt", usage=TokenUsage()))
    assert (telemetry.point(COST).count, telemetry.points(UNPRICED)) == (1, [])


@pytest.mark.parametrize(("rate", "recorded"), [(1.5, 1), (None, 0)])
def test_other_currencies(telemetry: Telemetry, books: Books, rate: float | None, recorded: int) -> None:
    """The span has the amount in its currency; metrics are in USD, or none without a rate."""
    currency = {"currency": "EUR", **({"usd_rate": rate} if rate else {})}
    shown = books(currency).observe_genai(call(request_model="gpt", usage=USAGE))
    assert shown is not None
    assert shown[names.ML_GEN_AI_USAGE_COST_AMOUNT] == pytest.approx(AMOUNT)
    assert shown[names.ML_GEN_AI_USAGE_COST_CURRENCY] == "EUR"
    points = telemetry.points(COST)
    assert [it.value for it in points] == [pytest.approx(AMOUNT * 1.5)][:recorded]
    assert telemetry.total(COSTS) == pytest.approx(AMOUNT * 1.5 * recorded)
    assert telemetry.points(UNPRICED) == []


def test_one_response_is_counted_once(telemetry: Telemetry, books: Books) -> None:
    """A response that a span of another instrumentation has told of is not counted again."""
    accounting = books()
    assert accounting.ledger.admits("r", "vendor")
    assert accounting.observe_genai(call(request_model="gpt", response_id="r")) is None
    assert telemetry.metrics == {}


def test_a_call_with_another_owners_span(telemetry: Telemetry, books: Books) -> None:
    """Without a response id nothing would show that the owner's span is of the same call: that one counts."""
    accounting = books()
    assert accounting.observe_genai(call(request_model="gpt", span_owner="vendor")) is None
    assert accounting.observe_genai(call(request_model="gpt", span_owner="vendor", response_id="r", recording=False))
    assert telemetry.point(COST).count == 1


def test_models_on_metrics_are_bounded(telemetry: Telemetry, books: Books) -> None:
    """Further models than the setting allows are `_OTHER`, and lose no cost."""
    accounting = books(max_models=1)
    for model in ("gpt", "free", "mini"):
        accounting.observe_genai(call(request_model=model))
    found = {it.attributes[names.GEN_AI_REQUEST_MODEL]: it.count for it in telemetry.points(COST)}
    assert found == {"gpt": 1, "_OTHER": 2}


def context(**entries: str) -> Context:
    """A context with baggage."""
    made = Context()
    for name, value in entries.items():
        made = baggage.set_baggage(name, value, made)
    return made


def test_allowed_keys_are_on_metrics(telemetry: Telemetry, books: Books) -> None:
    """Persona, type of query, keys of baggage and of `otelml.attributes` go on metrics if the settings allow them."""
    allowed = (names.ML_GEN_AI_CONVERSATION_PERSONA, "tenant", "shop")
    telemetry.allow("tenant", "shop", names.ML_GEN_AI_CONVERSATION_PERSONA)
    accounting = books(metric_attributes=allowed, baggage_attributes=("tenant", "user"))
    token = attach(context(tenant="t1", user="u1"))
    with conversation("c", persona="new", query_type="refund", ends=True), otelml.attributes({"shop": 7, "till": 1}):
        accounting.observe_genai(call(request_model="gpt", context=get_current()))
    detach(token)
    expected = {names.ML_GEN_AI_CONVERSATION_PERSONA: "new", "tenant": "t1", "shop": "7"}
    for metric in (COST, USE):
        assert telemetry.point(metric).attributes.items() >= expected.items()
        assert not {names.ML_GEN_AI_QUERY_TYPE, "user", "till"} & telemetry.point(metric).attributes.keys()
    assert telemetry.point(TURNS).attributes == {
        names.GEN_AI_PROVIDER_NAME: "openai",
        names.ML_GEN_AI_CONVERSATION_PERSONA: "new",
    }


def test_baggage_must_be_allowed_to_be_on_metrics(telemetry: Telemetry, books: Books) -> None:
    """A key that is allowed on metrics but not to be taken from baggage is not taken."""
    books(metric_attributes=("tenant",)).observe_genai(call(request_model="gpt", context=context(tenant="t1")))
    assert "tenant" not in telemetry.point(COST).attributes


def test_values_on_metrics_are_bounded(telemetry: Telemetry, books: Books) -> None:
    """A key that turns out to have many values cannot flood the metrics."""
    telemetry.allow("tenant")
    accounting = books(metric_attributes=("tenant",), baggage_attributes=("tenant",))
    for number in range(50):
        accounting.observe_genai(call(request_model="gpt", context=context(tenant=str(number))))
    assert len(telemetry.points(COST)) == 21
    assert telemetry.point(COST, {"tenant": "_OTHER"}).count == 30


def test_a_conversation_ends_with_its_block(telemetry: Telemetry, books: Books) -> None:
    """The totals are recorded once, and the event is of the trace in which it ended."""
    accounting = books()
    tracer = telemetry.tracer_provider.get_tracer("app")
    with tracer.start_as_current_span("request"), conversation(persona="new", query_type="refund") as id_:
        for _ in range(3):
            accounting.observe_genai(call(request_model="gpt", usage=USAGE, context=get_current()))
    assert (telemetry.point(TURNS).count, telemetry.point(TURNS).value) == (1, 3)
    assert telemetry.point(CONVERSATION_COST).value == pytest.approx(3 * AMOUNT)
    event = telemetry.event(RESULT)
    assert event.trace_id == telemetry.span("request").trace_id
    assert event.attributes == {
        names.GEN_AI_CONVERSATION_ID: id_,
        names.GEN_AI_PROVIDER_NAME: "openai",
        names.GEN_AI_USAGE_INPUT_TOKENS: 300,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 30,
        names.ML_GEN_AI_CONVERSATION_COST: pytest.approx(3 * AMOUNT),
        names.ML_GEN_AI_USAGE_COST_CURRENCY: "USD",
        names.ML_GEN_AI_CONVERSATION_TURN_COUNT: 3,
        names.ML_GEN_AI_CONVERSATION_UNPRICED_COUNT: 0,
        names.ML_GEN_AI_CONVERSATION_END_REASON: GenAiConversationEndReason.COMPLETED,
        names.ML_GEN_AI_CONVERSATION_PERSONA: "new",
        names.ML_GEN_AI_QUERY_TYPE: "refund",
    }


def test_a_conversation_with_an_unpriced_call(telemetry: Telemetry, books: Books) -> None:
    """Its cost is a lower bound: it is in the event, and not in the histogram."""
    accounting = books()
    for model in ("gpt", "unheard-of"):
        accounting.observe_genai(call(request_model=model, usage=USAGE, conversation_id="c"))
    accounting.complete("c")
    assert (telemetry.point(TURNS).value, telemetry.points(CONVERSATION_COST)) == (2, [])
    about = telemetry.event(RESULT).attributes
    assert about[names.ML_GEN_AI_CONVERSATION_UNPRICED_COUNT] == 1
    assert about[names.ML_GEN_AI_CONVERSATION_COST] == pytest.approx(AMOUNT)


def test_collection_closes_idle_conversations(
    telemetry: Telemetry, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread waits for the time-out: the conversation ends when metrics are collected, in the same collection."""
    accounting = books(conversation_timeout=60)
    accounting.observe_genai(call(request_model="gpt", conversation_id="c"))
    assert telemetry.points(TURNS) == []
    clock = accounting._conversations._clock
    monkeypatch.setattr(accounting._conversations, "_clock", lambda: clock() + 61)
    assert telemetry.point(TURNS).count == 1
    event = telemetry.event(RESULT)
    assert event.attributes[names.ML_GEN_AI_CONVERSATION_END_REASON] == GenAiConversationEndReason.TIMEOUT
    assert event.trace_id == ""
    assert telemetry.point(TURNS).count == 1


def test_idle_conversations_end_outside_of_any_trace(
    telemetry: Telemetry, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call that finds one has nothing to do with it."""
    accounting = books(conversation_timeout=60)
    accounting.observe_genai(call(request_model="gpt", conversation_id="c"))
    clock = accounting._conversations._clock
    monkeypatch.setattr(accounting._conversations, "_clock", lambda: clock() + 61)
    with telemetry.tracer_provider.get_tracer("app").start_as_current_span("request"):
        accounting.observe_genai(call(request_model="gpt", conversation_id="d"))
    assert telemetry.event(RESULT).trace_id == ""


def test_conversations_are_bounded(telemetry: Telemetry, books: Books) -> None:
    """Beyond the limit the one that was idle longest is reported and forgotten."""
    accounting = books(max_conversations=5)
    for number in range(20):
        accounting.observe_genai(call(request_model="gpt", conversation_id=str(number)))
    reasons = [it.attributes[names.ML_GEN_AI_CONVERSATION_END_REASON] for it in telemetry.events]
    assert reasons == [GenAiConversationEndReason.EVICTED] * 15


def test_an_end_without_calls_is_no_conversation(telemetry: Telemetry, books: Books) -> None:
    """A block in which no model was called reports nothing."""
    books()
    with conversation():
        pass
    assert telemetry.events == []
