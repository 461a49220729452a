"""The PyTorch hook, switched on by a test with the settings it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from otelml import settings
from otelml.instrumentation.torch import TorchInstrumentor
from tests.support.telemetry import Telemetry

Instrument = Callable[..., None]


@pytest.fixture
def instrument(telemetry: Telemetry) -> Iterator[Instrument]:
    """Switches the hook on; every call is recorded unless the test sets another budget."""

    def switch_on(**values: object) -> None:
        resolved = settings.resolve({"overhead_budget": 1, **values})
        TorchInstrumentor().instrument(settings=resolved, **telemetry.providers)

    yield switch_on
    TorchInstrumentor().uninstrument()


@pytest.fixture
def hooked(instrument: Instrument) -> None:
    """The hook is on, and every call is recorded."""
    instrument()
