"""Mistral's client that makes its own spans: no second one, and the metrics that it does not have."""

from __future__ import annotations

from typing import Any

import pytest

from otelml.semconv import attributes as names
from tests.support.fakes.mistralai import FakeMistral, error
from tests.support.genai import DURATION, tokens
from tests.support.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "mistral-small-latest", "messages": [{"role": "user", "content": "Hello"}]}

pytestmark = pytest.mark.usefixtures("instrumented")


@pytest.fixture
def native(client: Any, telemetry: Telemetry) -> Any:
    """The client, told to make spans with the tests' provider."""
    from mistralai.extra.observability.telemetry import configure_telemetry

    configure_telemetry(client, provider=telemetry.tracer_provider)
    return client


def theirs(telemetry: Telemetry) -> list[Any]:
    """The spans, read by hand: what the client puts on them is not of our convention."""
    spans = telemetry.span_exporter.get_finished_spans()
    found = [(it.instrumentation_scope.name if it.instrumentation_scope else "", it.name) for it in spans]
    telemetry.span_exporter.clear()
    return found


def test_its_span_is_the_only_one(native: Any, telemetry: Telemetry) -> None:
    """Whole and streamed: one span, the client's; one duration, and the tokens once each."""
    native.chat.complete(**ASK)
    list(native.chat.stream(**ASK))

    assert theirs(telemetry) == [("mistralai_sdk_tracer", "chat mistral-small-latest")] * 2
    assert telemetry.point(DURATION).count == 2
    assert tokens(telemetry) == {"input": 32, "output": 68}


def test_its_errors_are_counted(native: Any, api: FakeMistral, telemetry: Telemetry) -> None:
    """A call that fails has its error on the duration."""
    from mistralai.client.errors import SDKError

    api.reply("/v1/chat/completions", error(429, "Slow down."))
    with pytest.raises(SDKError):
        native.chat.complete(**ASK)

    assert len(theirs(telemetry)) == 1
    assert telemetry.point(DURATION).attributes[names.ERROR_TYPE] == "mistralai.client.errors.sdkerror.SDKError"


@pytest.mark.parametrize(("chosen", "ours"), [("global", 0), ("false", 1)])
def test_the_variable(
    client: Any, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, chosen: str, ours: int
) -> None:
    """Before a client's first call, the variable says whether it will make spans with the global provider."""
    from opentelemetry import trace

    monkeypatch.setattr(trace, "get_tracer_provider", lambda: telemetry.tracer_provider)
    monkeypatch.setattr("otelml.instrumentation.mistralai.native.get_tracer_provider", trace.get_tracer_provider)
    monkeypatch.setenv("MISTRAL_SDK_TELEMETRY", chosen)

    client.chat.complete(**ASK)
    client.chat.complete(**ASK)

    scopes = [scope for scope, _ in theirs(telemetry)]
    assert scopes == ["otelml.instrumentation.mistralai" if ours else "mistralai_sdk_tracer"] * 2
    assert telemetry.point(DURATION).count == 2
