"""Spans of other instrumentations: what is added to them."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import attach, detach, set_value
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import Status, StatusCode, Tracer

from otelml.distro.enrichment import GenAIEnrichment, add_attributes, install
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.attributes import GenAiOperationName
from otelml.telemetry.conversation import conversation
from tests.distro.spans import AMOUNT, COST, PRICE, REQUEST, TOKENS, UNPRICED, end, shown
from tests.support.telemetry import Telemetry

TURNS = metrics.ML_GEN_AI_CONVERSATION_TURNS.name


def test_a_span_gets_cost_and_context(telemetry: Telemetry, tracer: Tracer) -> None:
    """What becomes known at the end is on the span that an exporter gets, though that came first."""
    span = tracer.start_span("chat gpt", attributes=REQUEST)
    span.set_attributes(TOKENS)
    span.end()
    attributes = telemetry.span().attributes
    assert attributes.items() >= {**REQUEST, **TOKENS}.items()
    assert {name: value for name, value in attributes.items() if name not in {**REQUEST, **TOKENS}} == {
        AMOUNT: pytest.approx(PRICE),
        names.ML_GEN_AI_USAGE_COST_CURRENCY: "USD",
        names.ML_GEN_AI_USAGE_COST_SOURCE: "local",
        names.ML_GEN_AI_USAGE_COST_PRICE_LIST: "custom",
        names.ML_GEN_AI_CONTEXT_WINDOW_SIZE: 1000,
        names.ML_GEN_AI_CONTEXT_UTILIZATION: 0.11,
    }
    assert telemetry.point(COST).count == 1
    assert telemetry.point(COST).value == pytest.approx(PRICE)


def test_the_span_stays_closed(telemetry: Telemetry, tracer: Tracer) -> None:
    """Its attributes are open for us only: who keeps the span cannot change it."""
    span = tracer.start_span("chat gpt", attributes={**REQUEST, **TOKENS})
    span.end()
    assert isinstance(span, SdkSpan)
    with pytest.raises(TypeError, match="immutable"):
        span._attributes["late"] = 1  # type: ignore[index]


def test_an_sdk_that_follows_the_specification(telemetry: Telemetry, enriched: GenAIEnrichment) -> None:
    """Where a span that is ending is still open, it is written to as any other."""
    span = telemetry.tracer_provider.get_tracer("vendor").start_span("chat gpt")
    assert isinstance(span, SdkSpan)
    add_attributes(span, {"late": 1})
    span.end()
    assert telemetry.span().attributes == {"late": 1}


def test_other_spans_are_left_alone(telemetry: Telemetry, tracer: Tracer) -> None:
    """Only GenAI spans get the conversation, only paid operations get a cost."""
    with conversation("c"):
        tracer.start_span("GET /").end()
        end(tracer, "invoke_agent", **{names.GEN_AI_OPERATION_NAME: GenAiOperationName.INVOKE_AGENT})
    request, agent = telemetry.spans
    assert request.attributes == {}
    assert agent.attributes[names.GEN_AI_CONVERSATION_ID] == "c"
    assert AMOUNT not in agent.attributes
    assert telemetry.points(COST) == []


@pytest.mark.parametrize("known_at", ["start", "end"])
def test_conversation_and_baggage(
    telemetry: Telemetry, enriched: GenAIEnrichment, tracer: Tracer, known_at: str
) -> None:
    """They are copied when the span begins, or when it turns out to be a GenAI span; the rest of baggage is not."""
    enriched.baggage = ("tenant",)
    token = attach(baggage.set_baggage("tenant", "t1", baggage.set_baggage("secret", "s")))
    with conversation("c", persona="new", query_type="refund", ends=False):
        span = tracer.start_span("chat gpt", attributes=REQUEST if known_at == "start" else {})
    detach(token)
    expected = {
        names.GEN_AI_CONVERSATION_ID: "c",
        names.ML_GEN_AI_CONVERSATION_PERSONA: "new",
        names.ML_GEN_AI_QUERY_TYPE: "refund",
        "tenant": "t1",
    }
    assert isinstance(span, SdkSpan)
    assert (expected.items() <= dict(span.attributes or {}).items()) == (known_at == "start")
    span.set_attributes({**REQUEST, **TOKENS})
    span.end()
    attributes = telemetry.span().attributes
    assert attributes.items() >= expected.items()
    assert "secret" not in attributes


def test_what_the_instrumentation_says_wins(telemetry: Telemetry, tracer: Tracer) -> None:
    """A conversation id that is on the span stays, and the call is added to that conversation."""
    with conversation("outer", ends=False):
        end(tracer, **{names.GEN_AI_CONVERSATION_ID: "mine"})
    assert telemetry.span().attributes[names.GEN_AI_CONVERSATION_ID] == "mine"


def test_older_names(telemetry: Telemetry, tracer: Tracer) -> None:
    """Instrumentations that write the names of 2024 are understood."""
    end_old = tracer.start_span(
        "chat gpt",
        attributes={
            names.GEN_AI_OPERATION_NAME: "chat",
            names.GEN_AI_SYSTEM: "openai",
            names.GEN_AI_REQUEST_MODEL: "gpt",
            names.GEN_AI_USAGE_PROMPT_TOKENS: 100,
            names.GEN_AI_USAGE_COMPLETION_TOKENS: 10,
            "gen_ai.usage.cache_read_input_tokens": 40,
            "gen_ai.usage.cache_creation_input_tokens": 20,
        },
    )
    end_old.end()
    assert shown(telemetry) == {"chat gpt": pytest.approx((40 * 2 + 40 * 1 + 20 * 3 + 10 * 8) / 1e6)}
    assert telemetry.point(COST).attributes[names.GEN_AI_PROVIDER_NAME] == "openai"


@pytest.mark.parametrize(
    "changed",
    [
        {names.GEN_AI_USAGE_INPUT_TOKENS: "many"},
        {names.GEN_AI_USAGE_INPUT_TOKENS: -1},
        {names.GEN_AI_USAGE_INPUT_TOKENS: True},
        {names.GEN_AI_REQUEST_MODEL: 7},
        {names.GEN_AI_RESPONSE_FINISH_REASONS: 7, names.GEN_AI_REQUEST_MODEL: "unheard-of"},
    ],
    ids=str,
)
def test_senseless_attributes(telemetry: Telemetry, tracer: Tracer, changed: dict[str, Any]) -> None:
    """What no instrumentation should write is no known cost, and no fault."""
    end(tracer, **changed)
    assert AMOUNT not in telemetry.span().attributes
    assert telemetry.total(UNPRICED) == 1


def test_a_failed_call(telemetry: Telemetry, tracer: Tracer) -> None:
    """A span with an error and no tokens is not unpriced."""
    span = tracer.start_span("chat gpt", attributes=REQUEST)
    span.set_status(Status(StatusCode.ERROR))
    span.end()
    assert telemetry.points(UNPRICED) == []


def test_turns_of_other_instrumentations(telemetry: Telemetry, tracer: Tracer) -> None:
    """The finish reason on the span tells whether the turn goes on."""
    with conversation():
        for reason in ("tool_calls", "stop"):
            changed: dict[str, Any] = {names.GEN_AI_RESPONSE_FINISH_REASONS: [reason]}
            end(tracer, **changed)
    assert telemetry.point(TURNS).value == 1


def test_switched_off(telemetry: Telemetry, enriched: GenAIEnrichment, tracer: Tracer) -> None:
    """A processor cannot be removed: it does nothing, also about spans that it has seen begin."""
    span = tracer.start_span("chat gpt", attributes={**REQUEST, **TOKENS})
    enriched.enabled = False
    enriched.shutdown()
    span.end()
    end(tracer)
    assert [it.attributes for it in telemetry.spans] == [{**REQUEST, **TOKENS}] * 2


def test_spans_of_the_time_before(telemetry: Telemetry, enriched: GenAIEnrichment, tracer: Tracer) -> None:
    """A forked child leaves alone the spans that its parent has started, and ends as well."""
    span = tracer.start_span("chat gpt", attributes={**REQUEST, **TOKENS})
    enriched.shutdown()
    span.end()
    assert telemetry.span().attributes == {**REQUEST, **TOKENS}
    end(tracer)
    assert telemetry.point(COST).count == 1


@pytest.mark.parametrize("ended", [True, False])
def test_no_context_is_kept(tracer: Tracer, *, ended: bool) -> None:
    """A span that has ended does not keep the context that it was started in, nor is one kept that is dropped."""

    class Held:
        pass

    held = Held()
    alive = weakref.ref(held)
    spans = [tracer.start_span("kept", set_value("held", held))]
    del held
    if ended:
        spans[0].end()
    else:
        spans.clear()
    gc.collect()
    assert alive() is None


def test_threads(telemetry: Telemetry, tracer: Tracer) -> None:
    """Spans of many threads do not get into each other's way."""

    def calls() -> None:
        for _ in range(100):
            with tracer.start_as_current_span("outer", attributes={**REQUEST, **TOKENS}):
                end(tracer)

    threads = [threading.Thread(target=calls) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert telemetry.point(COST).count == 400


def test_a_fault_is_invisible(
    telemetry: Telemetry,
    enriched: GenAIEnrichment,
    tracer: Tracer,
    contained_faults: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The span of a host whose prices cannot be looked up is exported as it was, and forgotten."""

    def broken(*_: object) -> None:
        raise RuntimeError("prices")

    monkeypatch.setattr(enriched._accounting, "count", broken)
    end(tracer)
    assert telemetry.span().attributes == {**REQUEST, **TOKENS}


def test_a_processor_is_added_once(telemetry: Telemetry, enriched: GenAIEnrichment, tracer: Tracer) -> None:
    """Installing it again changes nothing; a provider without processors is refused."""
    assert install(enriched, telemetry.tracer_provider)
    assert not install(enriched, object())
    end(tracer)
    assert telemetry.point(COST).count == 1
