"""The real client over a fake of the API on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.mistralai import MistralAIInstrumentor
from tests.support.fakes.mistralai import FakeMistral
from tests.support.genai import Switch, switching
from tests.support.telemetry import Telemetry


@pytest.fixture
def api() -> Iterator[FakeMistral]:
    """The far end, with an empty script."""
    fake = FakeMistral()
    yield fake
    fake.close()


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    with switching(MistralAIInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture
def client(api: FakeMistral) -> Iterator[Any]:
    """The client, whose methods are synchronous and asynchronous."""
    from mistralai.client import Mistral

    with Mistral(api_key="none", server_url=api.url) as made:
        yield made
