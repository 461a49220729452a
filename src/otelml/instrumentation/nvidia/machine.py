"""The devices of the machine, and which of them the process may use and does."""

from __future__ import annotations

import os
from typing import Any

from otelml.instrumentation.nvidia import cuda
from otelml.instrumentation.nvidia.nvml import DeviceLost, Library
from otelml.instrumentation.nvidia.readings import Device
from otelml.instrumentation.nvidia.visible import Found, visible

_VARIABLE = "CUDA_VISIBLE_DEVICES"
_PARTITIONED = 1


class Machine:
    """The devices as NVML lists them.

    Attributes:
        visible: what the process may use, in its own order, each MIG instance after the GPU that it is of.
    """

    def __init__(self, library: Library) -> None:
        """List the devices.

        Raises:
            DriverGone: the driver does not answer any more.
        """
        self._library = library
        gpus = [gpu for index in range(self._ask("nvmlDeviceGetCount") or 0) if (gpu := self._gpu(index)) is not None]
        found = [Found(gpu.id, tuple(instance.id for instance in gpu.instances)) for gpu in gpus]
        self._by_id = {device.id: device for gpu in gpus for device in (gpu, *gpu.instances)}
        self._order = [self._by_id[id_] for id_ in visible(os.environ.get(_VARIABLE), found)]
        self.visible = _with_parents(self._order)

    def used(self) -> list[Device]:
        """What the process computes on: with PyTorch, whose devices are known, or else as the driver lists processes.

        Raises:
            DriverGone: the driver does not answer any more.
        """
        by_torch = cuda.used()
        if by_torch:
            chosen = [self._of_torch(device) for device in by_torch]
            return _with_parents([device for device in chosen if device is not None])
        return _with_parents([device for device in self._order if self._computes_on(device)])

    def _of_torch(self, device: cuda.Used) -> Device | None:
        known = self._by_id.get(device.id) if device.id else None
        if known is not None and not known.instances:
            return known
        # CUDA gives a MIG instance the UUID of its GPU in places; then the order tells, which is that of the variable.
        return self._order[device.position] if device.position < len(self._order) else known

    @staticmethod
    def _computes_on(device: Device) -> bool:
        try:
            return os.getpid() in device.processes()
        except DeviceLost:
            return False

    def _gpu(self, index: int) -> Device | None:
        try:
            handle = self._ask("nvmlDeviceGetHandleByIndex", index)
            id_ = None if handle is None else self._ask("nvmlDeviceGetUUID", handle)
            if id_ is None:
                return None
            gpu = Device(self._library, handle, id_, f"GPU {index}")
            mode = self._ask("nvmlDeviceGetMigMode", handle)
            if mode is not None and mode[0] == _PARTITIONED:
                gpu.instances = self._instances(gpu, handle, index)
            return gpu
        except DeviceLost:
            return None

    def _instances(self, gpu: Device, handle: Any, index: int) -> list[Device]:
        found = []
        for number in range(self._ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
            instance = self._ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, number)
            id_ = None if instance is None else self._ask("nvmlDeviceGetUUID", instance)
            if id_ is not None:
                found.append(Device(self._library, instance, id_, f"GPU {index} MIG {number}", gpu))
        return found

    def _ask(self, name: str, *arguments: Any) -> Any:
        # One device or number that is refused says nothing about the next.
        return self._library.ask(set(), name, *arguments)


def _with_parents(devices: list[Device]) -> list[Device]:
    with_parents: dict[str, Device] = {}
    for device in devices:
        if device.parent is not None:
            with_parents.setdefault(device.parent.id, device.parent)
        with_parents.setdefault(device.id, device)
    return list(with_parents.values())
