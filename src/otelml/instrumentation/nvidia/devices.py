"""The devices of a process, read once whenever metrics are collected, and the instruments that tell what was read."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otelml._guard import guarded
from otelml.instrumentation.nvidia.machine import Machine
from otelml.instrumentation.nvidia.nvml import DriverGone, Library
from otelml.instrumentation.nvidia.readings import Reading
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.attributes import HwGpuTask, HwState
from otelml.semconv.metrics import Metric

NONE, USED, VISIBLE = "none", "used", "visible"
"""The values of the setting `gpu_devices`."""

GPU = "gpu"

_FRESH = 1.0
"""Seconds for which a reading is good: one collection asks each instrument in turn."""

_FORK_WAITS = 0.2
"""Seconds that a fork waits for a reading to end."""

_STATES = (HwState.OK, HwState.DEGRADED, HwState.FAILED)

_Read = Callable[[Reading], Iterable[tuple[float, dict[str, str]]]]


class Devices:
    """Reports devices when metrics are collected."""

    def __init__(self, meter: Meter) -> None:
        self._which = NONE
        self._lock = threading.Lock()
        self._library = Library()
        self._machine: Machine | None = None
        self._readings: list[Reading] = []
        self._growth = Growth()
        self._read_at = -_FRESH
        self._forks_free = False
        self._register(meter)
        if hasattr(os, "register_at_fork"):
            before, after, inside = map(weakref.WeakMethod, (self._before_fork, self._after_fork, self._in_child))
            os.register_at_fork(
                before=lambda: (method := before()) and method(),
                after_in_parent=lambda: (method := after()) and method(),
                after_in_child=lambda: (method := inside()) and method(),
            )

    def watch(self, which: str) -> None:
        """Report these devices from now on, a value of the setting `gpu_devices`."""
        with self._lock:
            self._which = which
            self._read_at = -_FRESH
            if which == NONE:
                self._machine = None
                self._library.close()

    def _before_fork(self) -> None:
        # NVML has locks of its own. A call that hangs must not hang the host's fork: then the child does without.
        self._forks_free = self._lock.acquire(timeout=_FORK_WAITS)

    def _after_fork(self) -> None:
        if self._forks_free:
            self._lock.release()

    def _in_child(self) -> None:
        if not self._forks_free:
            self._library.abandon()
        self._lock = threading.Lock()
        self._machine, self._readings, self._growth, self._read_at = None, [], Growth(), -_FRESH

    def _read(self) -> list[Reading]:
        with self._lock:
            if monotonic() - self._read_at >= _FRESH:
                self._readings = self._read_now()
                self._read_at = monotonic()
            return self._readings

    def _read_now(self) -> list[Reading]:
        if self._which == NONE or not self._library.open():
            self._machine = None
            return []
        try:
            if self._machine is None:
                self._machine = Machine(self._library)
            chosen = self._machine.visible if self._which == VISIBLE else self._machine.used()
            return [self._growth.of(device.read()) for device in chosen]
        except DriverGone:
            self._machine = None
            self._library.gone()
            return []

    def _register(self, meter: Meter) -> None:
        for metric, read in (
            (metrics.HW_GPU_UTILIZATION, _utilization),
            (metrics.HW_GPU_MEMORY_UTILIZATION, _memory_utilization),
            (metrics.HW_GPU_MEMORY_USAGE, _memory_usage),
            (metrics.HW_GPU_MEMORY_LIMIT, _memory_limit),
            (metrics.HW_TEMPERATURE, _temperature),
            (metrics.HW_POWER, _power),
            (metrics.HW_ENERGY, _energy),
            (metrics.HW_ERRORS, _errors),
            (metrics.HW_STATUS, _status),
            (metrics.ML_DEVICE_THROTTLE_STATUS, _throttled),
            (metrics.ML_DEVICE_THROTTLE_TIME, _throttle_time),
        ):
            self._observe(meter, metric, read)

    def _observe(self, meter: Meter, metric: Metric, read: _Read) -> None:
        @guarded
        def callback(_options: CallbackOptions) -> list[Observation]:
            return [Observation(value, about) for reading in self._read() for value, about in read(reading)]

        metric.observe(meter, [lambda options: callback(options) or []])


class Growth:
    """What counters have grown by since the process first read them.

    The driver counts since it was loaded. A process that reported that would seem to have seen old errors itself.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, ...], float] = {}
        self._grown: dict[tuple[str, ...], float] = {}

    def of(self, reading: Reading) -> Reading:
        """The reading with its counters as what they have grown by."""
        id_ = reading.attributes[names.HW_ID]
        return reading._replace(
            energy=None if reading.energy is None else self._since(reading.energy, id_, "energy"),
            errors={type_: int(self._since(count, id_, type_)) for type_, count in reading.errors.items()},
            throttle_time={
                reason: self._since(it, id_, "time", reason) for reason, it in reading.throttle_time.items()
            },
        )

    def _since(self, value: float, *key: str) -> float:
        last = self._last.get(key)
        self._last[key] = value
        # A smaller value is one of a driver that was loaded again.
        grown = 0 if last is None else value - last if value >= last else value
        self._grown[key] = self._grown.get(key, 0) + grown
        return self._grown[key]


def _component(reading: Reading) -> dict[str, str]:
    known = (names.HW_ID, names.HW_NAME, names.HW_PARENT)
    return {key: reading.attributes[key] for key in known if key in reading.attributes}


def _typed(reading: Reading) -> dict[str, str]:
    return {**_component(reading), names.HW_TYPE: GPU}


def _utilization(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    if reading.utilization is not None:
        yield reading.utilization, {**reading.attributes, names.HW_GPU_TASK: HwGpuTask.GENERAL}


def _memory_utilization(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    if reading.memory_used is not None and reading.memory_total:
        yield reading.memory_used / reading.memory_total, reading.attributes


def _memory_usage(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    if reading.memory_used is not None:
        yield reading.memory_used, reading.attributes


def _memory_limit(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    if reading.memory_total is not None:
        yield reading.memory_total, reading.attributes


def _temperature(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    if reading.temperature is not None:
        yield float(reading.temperature), _component(reading)


def _power(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    if reading.power is not None:
        yield reading.power, _typed(reading)


def _energy(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    if reading.energy is not None:
        yield float(reading.energy), _typed(reading)


def _errors(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    for type_, count in reading.errors.items():
        yield count, {**reading.attributes, names.HW_TYPE: GPU, names.ERROR_TYPE: type_}


def _status(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    if reading.state is not None:
        for state in _STATES:
            about = {**reading.attributes, names.HW_TYPE: GPU, names.HW_STATE: state}
            yield int(reading.state == state), about


def _throttled(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    for reason, holds in reading.throttled.items():
        yield int(holds), {**_throttling(reading), names.ML_DEVICE_THROTTLE_REASON: reason}


def _throttle_time(reading: Reading) -> Iterator[tuple[float, dict[str, str]]]:
    for reason, seconds in reading.throttle_time.items():
        yield float(seconds), {**_throttling(reading), names.ML_DEVICE_THROTTLE_REASON: reason}


def _throttling(reading: Reading) -> dict[str, str]:
    model = reading.attributes.get(names.HW_MODEL)
    named = _typed(reading)
    named.pop(names.HW_PARENT, None)
    return named if model is None else {**named, names.HW_MODEL: model}
