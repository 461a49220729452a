"""One call has one cost, however many spans tell of it."""

from __future__ import annotations

import pytest
from opentelemetry.trace import SpanKind, Tracer

from otelml.distro.enrichment import GenAIEnrichment
from otelml.semconv import SCHEMA_URL
from otelml.semconv import attributes as names
from otelml.telemetry.conversation import conversation
from tests.distro.spans import COST, PRICE, REQUEST, RESPONSE, TOKENS, UNPRICED, end, shown
from tests.monitors.genai.calls import call
from tests.support.telemetry import Telemetry


def test_spans_inside_one_another_are_one_call(telemetry: Telemetry, tracer: Tracer) -> None:
    """A framework's span over the client's: the innermost counts and shows the cost, whatever lies between."""
    with tracer.start_as_current_span("outer", attributes=REQUEST) as outer:
        outer.set_attributes(TOKENS)
        with tracer.start_as_current_span("http"):
            end(tracer, "inner")
    assert shown(telemetry) == {"inner": pytest.approx(PRICE), "http": None, "outer": None}
    assert telemetry.point(COST).count == 1


def test_several_calls_inside_one_span_all_count(telemetry: Telemetry, tracer: Tracer) -> None:
    """A framework that falls back to another model pays for both calls, and its own span repeats one of them."""
    with tracer.start_as_current_span("outer", attributes={**REQUEST, **TOKENS}):
        end(tracer, "first")
        end(tracer, "second", **{names.GEN_AI_REQUEST_MODEL: "mini"})
    assert shown(telemetry) == {"first": pytest.approx(PRICE), "second": pytest.approx(0.00007), "outer": None}


def test_an_inner_span_without_tokens_leaves_it_to_the_outer(telemetry: Telemetry, tracer: Tracer) -> None:
    """A stream whose client does not know the usage is priced by the framework that has estimated it."""
    with tracer.start_as_current_span("outer", attributes={**REQUEST, **TOKENS}):
        tracer.start_span("inner", attributes=REQUEST).end()
    assert shown(telemetry) == {"inner": None, "outer": pytest.approx(PRICE)}
    assert (telemetry.point(COST).count, telemetry.points(UNPRICED)) == (1, [])


def test_calls_side_by_side_both_count(telemetry: Telemetry, tracer: Tracer) -> None:
    """Spans below an agent's span are calls of their own, also when they overlap."""
    with tracer.start_as_current_span("agent"):
        one, other = (tracer.start_span(name, attributes={**REQUEST, **TOKENS}) for name in ("one", "other"))
        one.end()
        other.end()
    assert telemetry.point(COST).count == 2


def test_one_response_told_of_by_two_instrumentations(telemetry: Telemetry, tracer: Tracer) -> None:
    """LiteLLM makes its span when the call is over, beside the client's: the response's id tells that both are one."""
    end(tracer, "client", **{RESPONSE: "r1"})
    end(telemetry.tracer_provider.get_tracer("litellm"), "callback", **{RESPONSE: "r1"})
    end(tracer, "next", **{RESPONSE: "r2"})
    assert shown(telemetry) == {"client": pytest.approx(PRICE), "callback": None, "next": pytest.approx(PRICE)}
    assert telemetry.point(COST).count == 2


def test_a_server_that_repeats_its_ids(telemetry: Telemetry, tracer: Tracer) -> None:
    """One instrumentation that tells an id twice tells of two calls."""
    for _ in range(2):
        end(tracer, **{RESPONSE: "chatcmpl-123"})
    assert telemetry.point(COST).count == 2


def test_a_call_that_otelml_observes_beside_another_span(
    telemetry: Telemetry, enriched: GenAIEnrichment, tracer: Tracer
) -> None:
    """Whoever comes first counts, and the one span of the call shows the cost."""
    accounting = enriched._accounting
    observed = call(request_model="gpt", response_id="r1", span_owner="vendor.openai", recording=False)
    accounting.observe_genai(observed)
    end(tracer, "after", **{RESPONSE: "r1"})
    end(tracer, "before", **{RESPONSE: "r2"})
    accounting.observe_genai(call(request_model="gpt", response_id="r2", span_owner="vendor.openai", recording=False))
    assert shown(telemetry) == {"after": pytest.approx(PRICE), "before": pytest.approx(PRICE)}
    assert sum(it.count or 0 for it in telemetry.points(COST)) == 2


def test_our_own_spans_get_the_conversation(telemetry: Telemetry, enriched: GenAIEnrichment) -> None:
    """It is on them from their start, as on those of others."""
    ours = telemetry.tracer_provider.get_tracer("otelml.tests", schema_url=SCHEMA_URL)
    with conversation("c", ends=False):
        ours.start_span("chat gpt", kind=SpanKind.CLIENT, attributes=REQUEST).end()
    assert telemetry.span().attributes == {**REQUEST, names.GEN_AI_CONVERSATION_ID: "c"}


def test_a_response_that_our_own_span_shows(telemetry: Telemetry, enriched: GenAIEnrichment, tracer: Tracer) -> None:
    """Another span of the same response shows no second cost."""
    assert enriched._accounting.observe_genai(call(request_model="gpt", response_id="r1", recording=True))
    end(tracer, **{RESPONSE: "r1"})
    assert shown(telemetry) == {"chat gpt": None}


def test_our_own_spans_are_not_counted_again(telemetry: Telemetry, enriched: GenAIEnrichment, tracer: Tracer) -> None:
    """They are observed where they are made; a framework's span around one does not count either."""
    ours = telemetry.tracer_provider.get_tracer("otelml.tests", schema_url=SCHEMA_URL)
    with tracer.start_as_current_span("outer", attributes={**REQUEST, **TOKENS}):
        span = ours.start_span("chat gpt", kind=SpanKind.CLIENT, attributes={**REQUEST, **TOKENS})
        enriched._accounting.observe_genai(call(request_model="gpt"))
        span.end()
    assert shown(telemetry) == {"chat gpt": None, "outer": None}
    assert telemetry.point(COST).count == 1
