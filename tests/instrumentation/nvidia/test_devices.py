"""What is reported of the devices that the driver lists."""

from __future__ import annotations

import logging
import os
import sys
from time import monotonic

import pynvml
import pytest

from otelml.instrumentation.nvidia import nvml
from otelml.settings import resolve
from tests.instrumentation.nvidia.conftest import FIRST, SECOND, Instrument
from tests.support.fakes.nvml import FakeDevice, FakeDriver
from tests.support.telemetry import Telemetry

INSTANCE = "MIG-7e5d0000-0000-0000-0000-00000000000a"


def reported(telemetry: Telemetry, metric: str = "hw.gpu.utilization") -> list[str]:
    """The devices of which a metric was reported."""
    return sorted(point.attributes["hw.id"] for point in telemetry.points(metric))


def test_a_device_is_told_in_full(driver: FakeDriver, instrument: Instrument, telemetry: Telemetry) -> None:
    """Each measurement has OpenTelemetry's unit, and says which device it is of."""
    instrument()
    assert telemetry.point("hw.gpu.utilization", {"hw.id": FIRST}).value == 0.87
    assert telemetry.point("hw.gpu.utilization", {"hw.id": FIRST}).attributes == {
        "hw.id": FIRST,
        "hw.name": "GPU 0",
        "hw.vendor": "NVIDIA",
        "hw.model": "NVIDIA H100 80GB HBM3",
        "hw.driver_version": "580.95.05",
        "hw.gpu.task": "general",
    }
    assert telemetry.point("hw.gpu.memory.usage", {"hw.id": FIRST}).value == 20 * 2**30
    assert telemetry.point("hw.gpu.memory.limit", {"hw.id": FIRST}).value == 80 * 2**30
    assert telemetry.point("hw.gpu.memory.utilization", {"hw.id": FIRST}).value == 0.25
    assert telemetry.point("hw.temperature", {"hw.id": FIRST}).value == 61
    assert telemetry.point("hw.power", {"hw.id": FIRST, "hw.type": "gpu"}).value == 412.5


def test_counters_count_from_the_first_reading(
    driver: FakeDriver, instrument: Instrument, telemetry: Telemetry
) -> None:
    """What was before the process is not its own, and a driver that starts anew takes nothing away."""
    instrument()
    assert telemetry.total("hw.errors", {"hw.id": FIRST}) == 0
    device = driver.devices[0]
    device.energy, device.corrected = 1_050_000, 5
    device.violation[pynvml.NVML_PERF_POLICY_POWER] = 3_500_000_000
    assert telemetry.point("hw.energy", {"hw.id": FIRST}).value == 50
    assert telemetry.point("hw.errors", {"hw.id": FIRST, "error.type": "corrected"}).value == 2
    assert telemetry.point("hw.errors", {"hw.id": FIRST, "error.type": "uncorrected"}).value == 0
    time = telemetry.point("ml.device.throttle.time", {"hw.id": FIRST})
    assert (time.value, time.attributes["ml.device.throttle.reason"]) == (1.5, "power")
    device.energy = 7_000
    assert telemetry.point("hw.energy", {"hw.id": FIRST}).value == 57


def test_throttling_and_state(driver: FakeDriver, instrument: Instrument, telemetry: Telemetry) -> None:
    """A hot device is degraded; one that is idle or at its limit of power is in order."""
    driver.devices[0].reasons = pynvml.nvmlClocksEventReasonSwThermalSlowdown
    driver.devices[1].reasons = pynvml.nvmlClocksEventReasonGpuIdle | pynvml.nvmlClocksEventReasonSwPowerCap
    instrument()
    states = {(it.attributes["hw.id"], it.attributes["hw.state"]): it.value for it in telemetry.points("hw.status")}
    assert [key for key, value in states.items() if value] == [(FIRST, "degraded"), (SECOND, "ok")]
    assert len(states) == 6
    holding = [it for it in telemetry.points("ml.device.throttle.status") if it.value]
    assert {(it.attributes["hw.id"], it.attributes["ml.device.throttle.reason"]) for it in holding} == {
        (FIRST, "thermal"),
        (SECOND, "power"),
    }


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("", []), ("1", [SECOND]), (SECOND[:8], [SECOND]), ("1,7,0", [SECOND]), ("0,0", []), ("-1", [])],
)
def test_only_visible_devices(
    variable: str,
    expected: list[str],
    driver: FakeDriver,
    instrument: Instrument,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`CUDA_VISIBLE_DEVICES` hides devices as it hides them from CUDA."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    instrument()
    assert reported(telemetry) == expected


def test_a_device_in_use_is_found_by_its_processes(
    driver: FakeDriver, instrument: Instrument, telemetry: Telemetry
) -> None:
    """By default a device is reported as soon as this process computes on it, and none where it does not."""
    instrument("used")
    assert reported(telemetry) == []
    driver.devices[1].processes = (1, os.getpid())
    assert reported(telemetry) == [SECOND]


def test_a_partitioned_device(driver: FakeDriver, instrument: Instrument, telemetry: Telemetry) -> None:
    """Of a MIG instance its memory is told, of its GPU what they share, and nothing twice."""
    instance = FakeDevice(INSTANCE, "NVIDIA H100 80GB HBM3 MIG 1g.10gb", used=2**30, total=10 * 2**30)
    driver.devices[0].instances = [instance]
    driver.devices[0].failing["nvmlDeviceGetUtilizationRates"] = pynvml.NVML_ERROR_NOT_SUPPORTED
    instrument()
    assert reported(telemetry, "hw.gpu.memory.usage") == [SECOND, INSTANCE]
    assert telemetry.point("hw.gpu.memory.limit", {"hw.id": INSTANCE}).value == 10 * 2**30
    assert telemetry.point("hw.gpu.memory.limit", {"hw.id": INSTANCE}).attributes["hw.parent"] == FIRST
    assert reported(telemetry) == [SECOND]
    assert reported(telemetry, "hw.power") == [FIRST, SECOND]


def test_what_a_device_lacks_is_asked_once(driver: FakeDriver, instrument: Instrument, telemetry: Telemetry) -> None:
    """Measurements without support or permission are left out and not asked again; the others are there."""
    lacking = ("nvmlDeviceGetPowerUsage", "nvmlDeviceGetTotalEccErrors", "nvmlDeviceGetMemoryInfo")
    driver.devices[0].failing.update(dict.fromkeys(lacking, pynvml.NVML_ERROR_NOT_SUPPORTED))
    driver.devices[0].failing["nvmlDeviceGetTemperature"] = pynvml.NVML_ERROR_NO_PERMISSION
    instrument()
    for _ in range(3):
        assert reported(telemetry) == [FIRST, SECOND]
    for metric in ("hw.power", "hw.errors", "hw.temperature", "hw.gpu.memory.usage", "hw.gpu.memory.utilization"):
        assert set(reported(telemetry, metric)) == {SECOND}
    assert driver.devices[0].calls.count("nvmlDeviceGetPowerUsage") == 1
    assert driver.devices[0].calls.count("nvmlDeviceGetTotalEccErrors") == 2


def test_a_value_that_is_missing_now_is_asked_again(
    driver: FakeDriver, instrument: Instrument, telemetry: Telemetry
) -> None:
    """A driver that does not know a value for a moment is not given up."""
    driver.devices[0].failing["nvmlDeviceGetTemperature"] = pynvml.NVML_ERROR_UNKNOWN
    instrument()
    assert reported(telemetry, "hw.temperature") == [SECOND]
    driver.devices[0].failing.clear()
    assert reported(telemetry, "hw.temperature") == [FIRST, SECOND]


def test_a_device_that_is_lost(driver: FakeDriver, instrument: Instrument, telemetry: Telemetry) -> None:
    """A device that falls off the bus has failed, and the other one is reported as before."""
    instrument()
    assert telemetry.point("hw.status", {"hw.id": FIRST, "hw.state": "ok"}).value == 1
    driver.devices[0].failing["*"] = pynvml.NVML_ERROR_GPU_IS_LOST
    assert telemetry.point("hw.status", {"hw.id": FIRST, "hw.state": "failed"}).value == 1
    assert telemetry.point("hw.status", {"hw.id": FIRST, "hw.state": "ok"}).value == 0
    assert telemetry.point("hw.status", {"hw.id": SECOND, "hw.state": "ok"}).value == 1


def test_a_driver_that_goes_and_returns(
    driver: FakeDriver, instrument: Instrument, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the driver was unloaded nothing is reported, and it is opened again some time later."""
    instrument()
    driver.devices[0].failing["*"] = pynvml.NVML_ERROR_UNINITIALIZED
    driver.devices[1].failing["*"] = pynvml.NVML_ERROR_UNINITIALIZED
    telemetry.requests()
    for device in driver.devices:
        device.failing.clear()
        device.calls.clear()
    telemetry.requests()
    assert driver.devices[0].calls == []
    now = monotonic() + nvml.RETRY
    monkeypatch.setattr("otelml.instrumentation.nvidia.nvml.monotonic", lambda: now)
    telemetry.requests()
    assert "nvmlDeviceGetTemperature" in driver.devices[0].calls
    assert driver.opened == 1


@pytest.mark.parametrize("code", [pynvml.NVML_ERROR_DRIVER_NOT_LOADED, pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH])
def test_a_driver_that_does_not_answer(
    code: int,
    driver: FakeDriver,
    instrument: Instrument,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is reported, and the log says why, once."""
    driver.refuses = code
    with caplog.at_level(logging.WARNING, "otelml"):
        instrument()
        telemetry.requests()
        telemetry.requests()
    assert telemetry.metrics == {}
    assert len(caplog.records) == 1


def test_a_machine_without_a_driver(
    instrument: Instrument,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The package without a driver, as in most containers, is no reason for a word."""

    def missing(_name: str) -> None:
        raise OSError

    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "CDLL", missing)
    instrument()
    assert telemetry.metrics == {}
    assert caplog.records == []


def test_a_machine_without_the_package(
    instrument: Instrument, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nvidia-ml-py is not installed nothing is reported."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    instrument()
    assert telemetry.metrics == {}


def test_switched_off(driver: FakeDriver, instrument: Instrument, telemetry: Telemetry) -> None:
    """Nothing is read with `gpu_devices=none`, and the driver is given back when that is set or all is switched off."""
    instrumentor = instrument("none")
    telemetry.requests()
    assert driver.opened == 0
    instrumentor.configure(resolve({"gpu_devices": "visible"}, {}))
    telemetry.requests()
    assert driver.opened == 1
    instrumentor.uninstrument()
    assert driver.opened == 0
    driver.devices[0].calls.clear()
    telemetry.requests()
    assert driver.devices[0].calls == []
