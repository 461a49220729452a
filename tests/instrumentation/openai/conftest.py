"""The real client over a fake of the API on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otelml.instrumentation.openai import OpenAIInstrumentor
from otelml.settings import resolve
from tests.support.fakes.openai import FakeOpenAI
from tests.support.telemetry import Telemetry


@pytest.fixture(scope="package")
def _api() -> Iterator[FakeOpenAI]:
    fake = FakeOpenAI()
    yield fake
    fake.close()


@pytest.fixture
def api(_api: FakeOpenAI) -> FakeOpenAI:
    """The far end, with an empty script."""
    _api.asked.clear()
    _api._script.clear()
    return _api


Switch = Callable[..., OpenAIInstrumentor]


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings and observers."""
    instrumentor = OpenAIInstrumentor()

    def on(observers: tuple[Any, ...] = (), **settings: object) -> OpenAIInstrumentor:
        resolved = resolve({"genai_providers": "127.0.0.1=openai", **settings}, {})
        instrumentor.instrument(settings=resolved, observers=observers, **telemetry.providers)
        return instrumentor

    yield on
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


@pytest.fixture
def instrumented(switch_on: Switch) -> OpenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture
def client(api: FakeOpenAI) -> Iterator[Any]:
    """The synchronous client."""
    from openai import OpenAI

    with OpenAI(api_key="none", base_url=api.base_url, max_retries=0) as made:
        yield made


@pytest.fixture
def asynchronous(api: FakeOpenAI) -> Callable[[], Any]:
    """Makes an asynchronous client, to be used in the loop that is running."""
    from openai import AsyncOpenAI

    return lambda: AsyncOpenAI(api_key="none", base_url=api.base_url, max_retries=0)
