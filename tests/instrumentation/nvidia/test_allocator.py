"""What is reported of PyTorch's allocator."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from tests.instrumentation.nvidia.conftest import SECOND, Instrument
from tests.support.fakes.nvml import FakeDriver
from tests.support.telemetry import Telemetry

GIB = 2**30


@pytest.fixture
def on_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has computed on the second of two devices, as PyTorch 2.13 tells it."""
    untouched = {"allocated_bytes.all.current": 0, "reserved_bytes.all.allocated": 0}
    touched = {
        "allocated_bytes.all.current": 3 * GIB,
        "allocated_bytes.all.peak": 5 * GIB,
        "reserved_bytes.all.current": 6 * GIB,
        "reserved_bytes.all.allocated": 9 * GIB,
        "num_alloc_retries": 2,
        "num_ooms": 1,
    }
    # PyTorch's own numbers of the devices are in another order than the driver's.
    about = SimpleNamespace(name="NVIDIA H100 80GB HBM3", uuid=SECOND.removeprefix("GPU-"))
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda device: untouched if device else touched)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: about)
    monkeypatch.setattr(torch.version, "cuda", "13.0")


@pytest.mark.usefixtures("driver", "on_second")
def test_the_allocator_is_told(instrument: Instrument, telemetry: Telemetry) -> None:
    """Memory, retries and failures, of the devices that the process has computed on."""
    instrument("used")
    about = {
        "ml.system.name": "pytorch",
        "hw.id": SECOND,
        "hw.type": "gpu",
        "hw.model": "NVIDIA H100 80GB HBM3",
    }
    expected = {"allocated": 3 * GIB, "reserved": 6 * GIB, "peak": 5 * GIB, "retries": 2, "errors": 1}
    for name, value in expected.items():
        (point,) = telemetry.points(f"ml.device.allocator.{name}")
        assert (point.attributes, point.value) == (about, value)


@pytest.mark.usefixtures("driver", "on_second")
def test_devices_of_pytorch_are_the_ones_in_use(instrument: Instrument, telemetry: Telemetry) -> None:
    """What PyTorch computes on is found by its UUID, whatever the order, and the other device is not reported."""
    instrument("used")
    assert {point.attributes["hw.id"] for point in telemetry.points("hw.power")} == {SECOND}


@pytest.mark.usefixtures("on_second")
def test_without_the_driver_the_allocator_is_told(
    instrument: Instrument, telemetry: Telemetry, driver: FakeDriver
) -> None:
    """A container without the driver's library for management still has an allocator."""
    driver.refuses = 12
    instrument("used")
    assert len(telemetry.points("ml.device.allocator.allocated")) == 1
    assert telemetry.points("hw.power") == []


@pytest.mark.usefixtures("driver", "on_second")
def test_switched_off(instrument: Instrument, telemetry: Telemetry) -> None:
    """With `gpu_devices=none` the allocator is not reported either."""
    instrument("none")
    assert telemetry.metrics == {}


@pytest.mark.usefixtures("driver", "on_second")
def test_cuda_is_not_initialised(instrument: Instrument, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has PyTorch and has not used a GPU reports none, and PyTorch is not asked for its devices."""
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: pytest.fail("initialises CUDA"))
    instrument("used")
    assert telemetry.metrics == {}
