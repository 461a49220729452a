"""Which devices a process may use, as `CUDA_VISIBLE_DEVICES` says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Found(NamedTuple):
    """A device of the machine.

    Attributes:
        id: its UUID, such as `GPU-5a1f...`.
        instances: the UUIDs of its MIG instances, empty where it is not partitioned.
    """

    id: str
    instances: tuple[str, ...] = ()

    @property
    def usable(self) -> tuple[str, ...]:
        """What of the device a process can compute on."""
        return self.instances or (self.id,)


def visible(variable: str | None, machine: Sequence[Found]) -> list[str]:
    """Return the UUIDs of the devices that a process sees, in its order.

    As the CUDA programming guide has it (CUDA 13, "Environment Variables"): indices or UUIDs, of which a beginning is
    enough if it is unique; whatever follows the first one that names no device is invisible, and naming one twice makes
    all invisible.

    Args:
        variable: the value of `CUDA_VISIBLE_DEVICES`, None where it is not set.
        machine: the machine's devices, in the order of their indices.
    """
    if variable is None:
        return [id_ for device in machine for id_ in device.usable]
    seen: list[str] = []
    for entry in (part.strip() for part in variable.split(",")):
        named = _named(entry, machine)
        if not named:
            break
        if set(named) & set(seen):
            return []
        seen += named
    return seen


def _named(entry: str, machine: Sequence[Found]) -> tuple[str, ...]:
    if entry.isdecimal():
        return machine[int(entry)].usable if int(entry) < len(machine) else ()
    if not entry.startswith(("GPU-", "MIG-")):
        return ()
    matches = [
        device.usable if device.id.startswith(entry) else (id_,)
        for device in machine
        for id_ in (device.id, *device.instances)
        if id_.startswith(entry)
    ]
    return matches[0] if len(matches) == 1 else ()
