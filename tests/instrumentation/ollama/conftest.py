"""The real client over a fake of the API on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.ollama import OllamaInstrumentor
from tests.support.fakes.ollama import FakeOllama
from tests.support.genai import Switch, switching
from tests.support.telemetry import Telemetry


@pytest.fixture
def api() -> Iterator[FakeOllama]:
    """The far end, with an empty script."""
    fake = FakeOllama()
    yield fake
    fake.close()


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    with switching(OllamaInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture
def client(api: FakeOllama) -> Iterator[Any]:
    """The synchronous client."""
    from ollama import Client

    with Client(api.url) as made:
        yield made
