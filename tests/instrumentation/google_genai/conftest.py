"""The real client over a fake of the API on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.google_genai import GoogleGenAIInstrumentor
from tests.support.fakes.google_genai import FakeGoogle
from tests.support.genai import Switch, switching
from tests.support.telemetry import Telemetry

Open = Callable[..., Any]


@pytest.fixture(scope="package")
def _api() -> Iterator[FakeGoogle]:
    fake = FakeGoogle()
    yield fake
    fake.close()


@pytest.fixture
def api(_api: FakeGoogle) -> FakeGoogle:
    """The far end, with an empty script."""
    _api.asked.clear()
    _api._script.clear()
    return _api


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    with switching(GoogleGenAIInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture(scope="package")
def open_client(_api: FakeGoogle) -> Open:
    """Makes a client, by default of the Gemini API."""
    from google import genai

    def make(**arguments: Any) -> Any:
        options = {"base_url": _api.url, "api_version": "v1beta"}
        return genai.Client(**{"api_key": "none", "http_options": options, **arguments})

    return make


@pytest.fixture(scope="package")
def _client(open_client: Open) -> Iterator[Any]:
    made = open_client()
    yield made
    made.close()


@pytest.fixture
def client(_client: Any, api: FakeGoogle) -> Any:
    """A client of the Gemini API; one for all tests, since making one takes a fifth of a second."""
    return _client
