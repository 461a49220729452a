"""A driver with two GPUs behind the real nvidia-ml-py, and the instrumentation switched on for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pynvml
import pytest

from otelml.instrumentation.nvidia import NvidiaInstrumentor
from otelml.settings import resolve
from tests.support.fakes.nvml import FakeDevice, FakeDriver
from tests.support.telemetry import Telemetry

FIRST, SECOND = "GPU-1f3a0000-0000-0000-0000-000000000001", "GPU-2b7c0000-0000-0000-0000-000000000002"

Instrument = Callable[..., NvidiaInstrumentor]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    """The driver that the package finds."""
    found = FakeDriver(FakeDevice(FIRST), FakeDevice(SECOND, utilization=0))
    monkeypatch.setattr(pynvml, "nvmlLib", found)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return found


@pytest.fixture
def instrument(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instrument]:
    """Switches the instrumentation on; each collection reads anew, however soon it comes."""
    monkeypatch.setattr("otelml.instrumentation.nvidia.devices._FRESH", 0.0)

    def switch_on(which: str = "visible") -> NvidiaInstrumentor:
        instrumentor = NvidiaInstrumentor()
        instrumentor.instrument(meter_provider=telemetry.meter_provider, settings=resolve({"gpu_devices": which}, {}))
        return instrumentor

    yield switch_on
    NvidiaInstrumentor().uninstrument()
