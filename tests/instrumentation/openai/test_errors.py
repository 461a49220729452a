"""Calls that fail, are repeated, or are no longer instrumented."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import pytest

from otelml.instrumentation.openai import OpenAIInstrumentor
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.support.fakes.http import Reply
from tests.support.fakes.openai import FakeOpenAI, error
from tests.support.telemetry import Telemetry

MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]
DURATION = metrics.GEN_AI_CLIENT_OPERATION_DURATION.name
TOKENS = metrics.GEN_AI_CLIENT_TOKEN_USAGE.name
DETAILS = metrics.ML_GEN_AI_CLIENT_TOKEN_DETAILS.name
UNMETERED = metrics.ML_GEN_AI_CLIENT_UNMETERED_OPERATIONS.name

pytestmark = pytest.mark.usefixtures("instrumented")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "BadRequestError"), (404, "NotFoundError"), (429, "RateLimitError"), (500, "InternalServerError")],
)
def test_an_error_of_the_api_is_the_application_s(
    client: Any, api: FakeOpenAI, telemetry: Telemetry, status: int, kind: str
) -> None:
    """The exception reaches the application; span and duration have its type, and no tokens are said to be missing."""
    import openai

    api.reply("/v1/chat/completions", error(status, "No."))

    with pytest.raises(getattr(openai, kind)) as raised:
        client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES)

    assert raised.value.status_code == status
    span = telemetry.span("chat gpt-5-mini")
    assert (span.status, span.attributes[names.ERROR_TYPE]) == ("ERROR", f"openai.{kind}")
    assert "No." in span.description
    assert telemetry.point(DURATION).attributes[names.ERROR_TYPE] == f"openai.{kind}"
    assert telemetry.points(UNMETERED) == []


def test_retries_are_one_call(api: FakeOpenAI, telemetry: Telemetry) -> None:
    """A call that the client repeats after a 429 and a 500 is one span, and no error."""
    from openai import OpenAI

    api.reply(
        "/v1/chat/completions", error(429, "Slow down.", retry_after_ms="1"), error(500, "No.", retry_after_ms="1")
    )

    with OpenAI(api_key="none", base_url=api.base_url, max_retries=2) as client:
        client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES)

    assert len(api.asked) == 3
    assert telemetry.span("chat gpt-5-mini").status == "UNSET"
    assert telemetry.point(DURATION).count == 1


def test_a_timeout_and_a_refused_connection(api: FakeOpenAI, telemetry: Telemetry) -> None:
    """Both reach the application as the client's exceptions, and name themselves on the spans."""
    import openai

    with openai.OpenAI(api_key="none", base_url="http://127.0.0.1:9/v1", max_retries=0) as nobody:
        with pytest.raises(openai.APIConnectionError):
            nobody.chat.completions.create(model="a", messages=MESSAGES)
    never = threading.Event()
    api.reply("/v1/chat/completions", Reply(chunks=[b"{", b"}"], wait=never))
    with openai.OpenAI(api_key="none", base_url=api.base_url, max_retries=0, timeout=0.05) as hasty:
        with pytest.raises(openai.APITimeoutError):
            hasty.chat.completions.create(model="b", messages=MESSAGES)
    never.set()

    assert telemetry.span("chat a").attributes[names.ERROR_TYPE] == "openai.APIConnectionError"
    assert telemetry.span("chat b").attributes[names.ERROR_TYPE] == "openai.APITimeoutError"


def test_signatures_and_kinds_stay(instrumented: OpenAIInstrumentor) -> None:
    """The replaced methods look like the library's: signature, and coroutine function where that was one."""
    from openai._base_client import AsyncAPIClient, SyncAPIClient

    for owner in (SyncAPIClient, AsyncAPIClient):
        method: Any = owner.request
        assert inspect.signature(method) == inspect.signature(method.__wrapped__)
    assert inspect.iscoroutinefunction(AsyncAPIClient.request)
    assert not inspect.iscoroutinefunction(SyncAPIClient.request)
    replaced: Any = SyncAPIClient.request
    instrumented.uninstrument()
    assert SyncAPIClient.request is replaced.__wrapped__


def test_after_switching_off_nothing_is_said(
    client: Any, instrumented: OpenAIInstrumentor, telemetry: Telemetry
) -> None:
    """A client made before works on, silently."""
    instrumented.uninstrument()

    assert client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES).choices

    assert telemetry.spans == []
