"""The hook switched on for one test, with providers of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from otelml.instrumentation.torch import TorchInstrumentor
from otelml.settings import resolve
from tests.support.telemetry import Telemetry


@pytest.fixture
def options() -> dict[str, object]:
    """Settings that a test overrides."""
    return {}


@pytest.fixture(autouse=True)
def instrumented(telemetry: Telemetry, options: dict[str, object]) -> Iterator[TorchInstrumentor]:
    """PyTorch under the hook; the random numbers are the same in each test."""
    torch.manual_seed(0)
    instrumentor = TorchInstrumentor()
    instrumentor.instrument(**telemetry.providers, settings=resolve(options, {}))
    try:
        yield instrumentor
    finally:
        instrumentor.uninstrument()
