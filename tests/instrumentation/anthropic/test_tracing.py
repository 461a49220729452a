"""The client's own spans, which releases from 2 on make: one span and one count for one call."""

from __future__ import annotations

from typing import Any

import pytest

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.support.fakes.anthropic import PATH, FakeAnthropic, error
from tests.support.genai import DURATION, Switch, tokens
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "claude", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
FIRST_CHUNK = metrics.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK.name


@pytest.mark.usefixtures("instrumented")
def test_a_call_has_the_client_s_span_and_our_metrics(traced: Any, telemetry: Telemetry) -> None:
    """Answers and streams: the client's span alone, and each is counted once."""
    traced.messages.create(**ASK)
    list(traced.messages.create(**ASK, stream=True))
    with traced.messages.stream(**ASK) as helped:
        helped.until_done()
    traced.messages.with_raw_response.create(**ASK)

    assert [(span.name, span.scope) for span in telemetry.spans] == [
        ("anthropic.messages.create", "com.anthropic.sdk.python")
    ] * 4
    assert telemetry.point(DURATION).count == 4
    assert tokens(telemetry) == {"input": 4 * 421, "output": 4 * 12}
    assert telemetry.point(FIRST_CHUNK).count == 2


@pytest.mark.usefixtures("instrumented")
def test_other_requests_have_no_second_span_either(traced: Any, telemetry: Telemetry) -> None:
    """Counting tokens and listing models, whose spans tell no operation."""
    traced.messages.count_tokens(model="claude", messages=ASK["messages"])
    traced.models.list()

    assert [span.name for span in telemetry.spans] == ["anthropic.messages.count_tokens", "anthropic.models.list"]
    assert sum(point.count or 0 for point in telemetry.points(DURATION)) == 2


@pytest.mark.usefixtures("instrumented")
def test_an_error_is_counted(traced: Any, api: FakeAnthropic, telemetry: Telemetry) -> None:
    """A call that failed has one span, the client's, and a point with the exception's type."""
    import anthropic

    api.reply(PATH, error(429, "rate_limit_error"))

    with pytest.raises(anthropic.RateLimitError):
        traced.messages.create(**ASK)

    assert telemetry.span().status == "ERROR"
    assert telemetry.point(DURATION).attributes[names.ERROR_TYPE] == "anthropic.RateLimitError"


def test_observers_are_told_whose_span_it_is(traced: Any, switch_on: Switch, telemetry: Telemetry) -> None:
    """What costs and sessions are made of is the same as for calls with spans of ours."""
    calls: list[Any] = []

    class Observer:
        def observe_genai(self, call: Any) -> None:
            calls.append(call)

    instrumentor = switch_on()
    assert instrumentor._genai is not None
    instrumentor._genai.observers = (Observer(),)
    traced.messages.create(**ASK)

    (call,) = calls
    assert (call.span_owner, call.recording) == ("com.anthropic.sdk.python", False)
    assert (call.usage.input, call.usage.cache_write) == (421, 100)
