"""The hook of Transformers, beside that of PyTorch, as an application has them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.torch import TorchInstrumentor
from otelml.instrumentation.transformers import TransformersInstrumentor
from otelml.settings import resolve
from tests.support.genai import Switch, switching
from tests.support.telemetry import Telemetry


@pytest.fixture
def switch_on(telemetry: Telemetry) -> Iterator[Switch]:
    """Switches the instrumentation on, with settings."""
    with switching(TransformersInstrumentor(), telemetry) as on:
        yield on


@pytest.fixture
def instrumented(switch_on: Switch) -> GenAIInstrumentor:
    """The instrumentation, on with its defaults."""
    return switch_on()


@pytest.fixture
def with_torch(telemetry: Telemetry) -> Iterator[None]:
    """PyTorch's hook, on, with every call recorded."""
    TorchInstrumentor().instrument(settings=resolve({"overhead_budget": 1}, {}), **telemetry.providers)
    yield
    TorchInstrumentor().uninstrument()
