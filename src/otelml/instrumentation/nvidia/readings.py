"""What NVML tells of one device."""

from __future__ import annotations

from typing import Any, NamedTuple

from otelml.instrumentation.nvidia.nvml import DeviceLost, Library
from otelml.semconv import attributes as names
from otelml.semconv.attributes import DeviceThrottleReason, HwState

VENDOR = "NVIDIA"
CORRECTED, UNCORRECTED = "corrected", "uncorrected"
"""The values of `error.type` that OpenTelemetry gives for GPUs (`metric.hw.gpu.errors`, 1.44)."""

_CLOCK_REASONS = {
    DeviceThrottleReason.POWER: ("nvmlClocksThrottleReasonSwPowerCap",),
    DeviceThrottleReason.POWER_BRAKE: ("nvmlClocksThrottleReasonHwPowerBrakeSlowdown",),
    DeviceThrottleReason.THERMAL: (
        "nvmlClocksThrottleReasonSwThermalSlowdown",
        "nvmlClocksThrottleReasonHwThermalSlowdown",
    ),
    DeviceThrottleReason.HARDWARE: ("nvmlClocksThrottleReasonHwSlowdown",),
    DeviceThrottleReason.SYNC_BOOST: ("nvmlClocksThrottleReasonSyncBoost",),
}
"""The bits of the reasons that hold now. An idle device, and clocks that somebody has set, are no throttling."""

_POLICIES = {
    DeviceThrottleReason.POWER: "NVML_PERF_POLICY_POWER",
    DeviceThrottleReason.THERMAL: "NVML_PERF_POLICY_THERMAL",
    DeviceThrottleReason.SYNC_BOOST: "NVML_PERF_POLICY_SYNC_BOOST",
    DeviceThrottleReason.BOARD_LIMIT: "NVML_PERF_POLICY_BOARD_LIMIT",
    DeviceThrottleReason.RELIABILITY: "NVML_PERF_POLICY_RELIABILITY",
}
"""The policies of whose time the driver keeps account."""

_DEGRADING = (DeviceThrottleReason.POWER_BRAKE, DeviceThrottleReason.THERMAL, DeviceThrottleReason.HARDWARE)
"""A device at its limit of power is in order: it is what a busy one runs at."""


class Reading(NamedTuple):
    """What was read of a device; None, or missing, is what it does not tell.

    Attributes:
        attributes: which device it is.
        state: a value of `hw.state`; None of a MIG instance.
        utilization: share of the last sampling period (at most a second) in which a kernel ran.
        memory_used: bytes.
        memory_total: bytes.
        temperature: degrees Celsius.
        power: watts.
        energy: joules since the driver was loaded.
        errors: of the memory, since the driver was loaded, by type.
        throttled: whether the clocks are held down, by reason.
        throttle_time: seconds since the driver was loaded in which they were, by reason.
    """

    attributes: dict[str, str]
    state: str | None = None
    utilization: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature: float | None = None
    power: float | None = None
    energy: float | None = None
    errors: dict[str, int] = {}  # noqa: RUF012 - never changed
    throttled: dict[str, bool] = {}  # noqa: RUF012
    throttle_time: dict[str, float] = {}  # noqa: RUF012


class Device:
    """A GPU, or a MIG instance of one.

    Attributes:
        id: its UUID.
        instances: of a GPU that is partitioned.
    """

    def __init__(self, library: Library, handle: Any, id_: str, name: str, parent: Device | None = None) -> None:
        self._library = library
        self._handle = handle
        self._unsupported: set[tuple[Any, ...]] = set()
        self.id = id_
        self.instances: list[Device] = []
        self.parent = parent
        about = {
            names.HW_ID: id_,
            names.HW_NAME: name,
            names.HW_PARENT: parent.id if parent else None,
            names.HW_VENDOR: VENDOR,
            names.HW_MODEL: self._ask("nvmlDeviceGetName"),
            names.HW_DRIVER_VERSION: library.ask(self._unsupported, "nvmlSystemGetDriverVersion"),
        }
        self._attributes: dict[str, str] = {key: str(value) for key, value in about.items() if value is not None}

    def _ask(self, name: str, *arguments: Any) -> Any:
        return self._library.ask(self._unsupported, name, self._handle, *arguments)

    def processes(self) -> set[int]:
        """The processes that compute on the device, as this process numbers them where it shares their namespace."""
        return {process.pid for process in self._ask("nvmlDeviceGetComputeRunningProcesses") or ()}

    def read(self) -> Reading:
        """Read the device.

        Raises:
            DriverGone: the driver does not answer any more.
        """
        try:
            return self._read_instance() if self.parent is not None else self._read()
        except DeviceLost:
            return Reading(self._attributes, HwState.FAILED)

    def _read_instance(self) -> Reading:
        used, total = self._memory()
        return Reading(self._attributes, memory_used=used, memory_total=total)

    def _read(self) -> Reading:
        # The memory of a partitioned GPU is that of its instances.
        used, total = (None, None) if self.instances else self._memory()
        throttled = self._throttled()
        return Reading(
            self._attributes,
            HwState.DEGRADED if any(throttled.get(reason) for reason in _DEGRADING) else HwState.OK,
            self._utilization(),
            used,
            total,
            self._ask("nvmlDeviceGetTemperature", self._library.constant("NVML_TEMPERATURE_GPU")),
            _thousandth(self._ask("nvmlDeviceGetPowerUsage")),
            _thousandth(self._ask("nvmlDeviceGetTotalEnergyConsumption")),
            self._errors(),
            throttled,
            self._throttle_time(),
        )

    def _utilization(self) -> float | None:
        rates = self._ask("nvmlDeviceGetUtilizationRates")
        return None if rates is None else rates.gpu / 100

    def _memory(self) -> tuple[int | None, int | None]:
        # The second version leaves out of `used` what the driver reserves for itself, as nvidia-smi does.
        version = self._library.constant("nvmlMemory_v2")
        found = self._ask("nvmlDeviceGetMemoryInfo", *(() if version is None else (version,)))
        return (None, None) if found is None else (found.used, found.total)

    def _errors(self) -> dict[str, int]:
        since_loaded = self._library.constant("NVML_VOLATILE_ECC")
        found = {}
        for type_, constant in (
            (CORRECTED, "NVML_MEMORY_ERROR_TYPE_CORRECTED"),
            (UNCORRECTED, "NVML_MEMORY_ERROR_TYPE_UNCORRECTED"),
        ):
            count = self._ask("nvmlDeviceGetTotalEccErrors", self._library.constant(constant), since_loaded)
            if count is not None:
                found[type_] = count
        return found

    def _throttled(self) -> dict[str, bool]:
        reasons = self._ask("nvmlDeviceGetCurrentClocksEventReasons")
        if reasons is None:  # drivers before 535
            reasons = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons")
        if reasons is None:
            return {}
        return {
            reason: any(reasons & (self._library.constant(name) or 0) for name in constants)
            for reason, constants in _CLOCK_REASONS.items()
        }

    def _throttle_time(self) -> dict[str, float]:
        found = {}
        for reason, constant in _POLICIES.items():
            policy = self._library.constant(constant)
            answer = None if policy is None else self._ask("nvmlDeviceGetViolationStatus", policy)
            if answer is not None:
                found[reason] = answer.violationTime * 1e-9
        return found


def _thousandth(value: int | None) -> float | None:
    return None if value is None else value / 1000
