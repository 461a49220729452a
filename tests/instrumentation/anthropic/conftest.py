"""The real client over a fake of the API on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.anthropic import AnthropicInstrumentor
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.genai import Switch, switching
from tests.support.telemetry import Telemetry


@pytest.fixture(scope="package")
def _api() -> Iterator[FakeAnthropic]:
    fake = FakeAnthropic()
    yield fake
    fake.close()


@pytest.fixture
def api(_api: FakeAnthropic) -> FakeAnthropic:
    """The far end, with an empty script."""
    _api.asked.clear()
    _api._script.clear()
    return _api


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    with switching(AnthropicInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture
def client(api: FakeAnthropic) -> Iterator[Any]:
    """The synchronous client, of a process that has not set up tracing for it."""
    from anthropic import Anthropic

    with Anthropic(api_key="none", base_url=api.url, max_retries=0, open_telemetry=False) as made:
        yield made


@pytest.fixture
def traced(api: FakeAnthropic, telemetry: Telemetry) -> Iterator[Any]:
    """The synchronous client, which makes spans itself."""
    from anthropic import Anthropic

    tracing: Any = {"tracer_provider": telemetry.tracer_provider}
    telemetry.allow("anthropic.*", "http.*", "url.*")
    with Anthropic(api_key="none", base_url=api.url, max_retries=0, open_telemetry=tracing) as made:
        yield made


@pytest.fixture
def asynchronous(api: FakeAnthropic) -> Callable[[], Any]:
    """Makes an asynchronous client, to be used in the loop that is running."""
    from anthropic import AsyncAnthropic

    return lambda: AsyncAnthropic(api_key="none", base_url=api.url, max_retries=0, open_telemetry=False)
