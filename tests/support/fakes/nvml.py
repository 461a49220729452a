"""NVML's far end: a driver with devices, which answers through the real nvidia-ml-py.

The package calls C functions of a library that it has loaded. `FakeDriver` stands for that library: it takes the same C
arguments, fills the same structures, and returns the same codes, so the package's own conversions and errors are used.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pynvml

_OK = 0


@dataclass
class FakeDevice:
    """One GPU or MIG instance.

    Attributes:
        failing: function -> the code that it returns, "*" for all functions.
        calls: the functions that were called.
    """

    uuid: str
    model: str = "NVIDIA H100 80GB HBM3"
    utilization: int = 87
    used: int = 20 * 2**30
    total: int = 80 * 2**30
    temperature: int = 61
    power: int = 412_500
    energy: int = 1_000_000
    corrected: int = 3
    uncorrected: int = 1
    reasons: int = 0
    violation: dict[int, int] = field(default_factory=lambda: {pynvml.NVML_PERF_POLICY_POWER: 2_000_000_000})
    processes: tuple[int, ...] = ()
    instances: list[FakeDevice] | None = None
    failing: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)


class FakeDriver:
    """The library that `pynvml` has loaded.

    Attributes:
        devices: of the machine.
        refuses: the code that opening returns.
        opened: how often it was opened, less how often it was closed.
        history: of that, each time.
        during: called inside each function of a device.
    """

    def __init__(self, *devices: FakeDevice) -> None:
        self.devices = list(devices)
        self.refuses = _OK
        self.opened = 0
        self.history: list[str] = []
        self.during: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Callable[..., int]:
        answer = globals().get(f"_{name.removesuffix('_v2').removesuffix('_v3')}")
        if answer is None:
            raise AttributeError(name)  # as `ctypes` does for what a library lacks

        def function(*arguments: Any) -> int:
            code: int = answer(self, *arguments)
            return code

        return function

    def of(self, handle: Any) -> FakeDevice:
        """The device of a handle."""
        everything = [it for device in self.devices for it in (device, *(device.instances or ()))]
        return everything[ctypes.cast(handle, ctypes.c_void_p).value - 1]  # type: ignore[operator]

    def handle(self, device: FakeDevice) -> Any:
        """The handle of a device."""
        everything = [it for one in self.devices for it in (one, *(one.instances or ()))]
        number = next(index for index, it in enumerate(everything) if it is device)
        return ctypes.cast(number + 1, type(pynvml.c_nvmlDevice_t()))


def _set(reference: Any, value: Any) -> None:
    reference._obj.value = value


def _fails(driver: FakeDriver, handle: Any, name: str) -> tuple[int, FakeDevice]:
    device = driver.of(handle)
    device.calls.append(name)
    driver.during()
    if not driver.opened:
        return pynvml.NVML_ERROR_UNINITIALIZED, device
    return device.failing.get(name, device.failing.get("*", _OK)), device


def _nvmlInitWithFlags(driver: FakeDriver, _flags: Any) -> int:
    driver.opened += not driver.refuses
    driver.history.append("open")
    return driver.refuses


def _nvmlShutdown(driver: FakeDriver) -> int:
    driver.opened -= 1
    driver.history.append("close")
    return _OK


def _nvmlSystemGetDriverVersion(_driver: FakeDriver, text: Any, _size: Any) -> int:
    text.value = b"580.95.05"
    return _OK


def _nvmlDeviceGetCount(driver: FakeDriver, count: Any) -> int:
    _set(count, len(driver.devices))
    return _OK if driver.opened else pynvml.NVML_ERROR_UNINITIALIZED


def _nvmlDeviceGetHandleByIndex(driver: FakeDriver, index: Any, handle: Any) -> int:
    device = driver.devices[index.value]
    code = device.failing.get("nvmlDeviceGetHandleByIndex", _OK)
    _point(handle, driver.handle(device))
    return code


def _point(reference: Any, handle: Any) -> None:
    ctypes.memmove(reference, ctypes.byref(handle), ctypes.sizeof(handle))


def _nvmlDeviceGetMigMode(driver: FakeDriver, handle: Any, current: Any, pending: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetMigMode")
    _set(current, int(device.instances is not None))
    _set(pending, current._obj.value)
    return code


def _nvmlDeviceGetMaxMigDeviceCount(driver: FakeDriver, handle: Any, count: Any) -> int:
    _set(count, 7)
    return _OK


def _nvmlDeviceGetMigDeviceHandleByIndex(driver: FakeDriver, handle: Any, index: Any, instance: Any) -> int:
    instances = driver.of(handle).instances or []
    if index.value >= len(instances):
        return int(pynvml.NVML_ERROR_NOT_FOUND)
    _point(instance, driver.handle(instances[index.value]))
    return _OK


def _nvmlDeviceGetUUID(driver: FakeDriver, handle: Any, text: Any, _size: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetUUID")
    text.value = device.uuid.encode()
    return code


def _nvmlDeviceGetName(driver: FakeDriver, handle: Any, text: Any, _size: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetName")
    text.value = device.model.encode()
    return code


def _nvmlDeviceGetUtilizationRates(driver: FakeDriver, handle: Any, rates: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetUtilizationRates")
    rates._obj.gpu = device.utilization
    return code


def _nvmlDeviceGetMemoryInfo(driver: FakeDriver, handle: Any, memory: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetMemoryInfo")
    memory._obj.used, memory._obj.total = device.used, device.total
    return code


def _nvmlDeviceGetTemperature(driver: FakeDriver, handle: Any, _sensor: Any, value: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetTemperature")
    _set(value, device.temperature)
    return code


def _nvmlDeviceGetPowerUsage(driver: FakeDriver, handle: Any, value: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetPowerUsage")
    _set(value, device.power)
    return code


def _nvmlDeviceGetTotalEnergyConsumption(driver: FakeDriver, handle: Any, value: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetTotalEnergyConsumption")
    _set(value, device.energy)
    return code


def _nvmlDeviceGetTotalEccErrors(driver: FakeDriver, handle: Any, type_: Any, _counter: Any, value: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetTotalEccErrors")
    corrected = getattr(type_, "value", type_) == pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED
    _set(value, device.corrected if corrected else device.uncorrected)
    return code


def _nvmlDeviceGetCurrentClocksEventReasons(driver: FakeDriver, handle: Any, value: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetCurrentClocksEventReasons")
    _set(value, device.reasons)
    return code


def _nvmlDeviceGetViolationStatus(driver: FakeDriver, handle: Any, policy: Any, time: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetViolationStatus")
    number = getattr(policy, "value", policy)
    if number not in device.violation:
        return int(pynvml.NVML_ERROR_NOT_SUPPORTED)
    time._obj.violationTime = device.violation[number]
    return code


def _nvmlDeviceGetComputeRunningProcesses(driver: FakeDriver, handle: Any, count: Any, processes: Any) -> int:
    code, device = _fails(driver, handle, "nvmlDeviceGetComputeRunningProcesses")
    if processes is None:
        _set(count, len(device.processes))
        return int(pynvml.NVML_ERROR_INSUFFICIENT_SIZE) if device.processes else _OK
    for index, process in enumerate(device.processes):
        processes[index].pid = process
    _set(count, len(device.processes))
    return code
