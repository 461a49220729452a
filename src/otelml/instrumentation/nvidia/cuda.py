"""What PyTorch knows of its CUDA devices, asked only where the process has initialised CUDA itself."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

_IN_USE = "reserved_bytes.all.allocated"
"""What the allocator has ever taken of a device: nothing of those that the process has not computed on."""


class Used(NamedTuple):
    """A device of PyTorch that the process has used.

    Attributes:
        id: as the driver has it, `GPU-` and the UUID; None where PyTorch does not tell.
        position: PyTorch's number of it, which is not the driver's.
        name: such as "NVIDIA H100 80GB HBM3".
        statistics: what `torch.cuda.memory_stats` tells of it.
    """

    id: str | None
    position: int
    name: str
    statistics: dict[str, int]


def used() -> list[Used]:
    """The CUDA devices on which the process has memory from PyTorch's allocator.

    Empty where PyTorch was not imported, is built for AMD's devices, or has not initialised CUDA, and in a forked
    child, where CUDA cannot be used. Reads what PyTorch keeps in memory: nothing
    is asked of a device, and nothing waits for one.
    """
    torch: Any = sys.modules.get("torch")
    cuda: Any = getattr(torch, "cuda", None)
    # A module is in `sys.modules` before it has been imported to its end.
    if cuda is None or not hasattr(cuda, "memory_stats") or not cuda.is_initialized():
        return []
    if getattr(torch.version, "cuda", None) is None:
        return []
    found = []
    for index in range(cuda.device_count()):
        statistics: dict[str, int] = cuda.memory_stats(index)
        if statistics.get(_IN_USE):
            about = cuda.get_device_properties(index)
            found.append(Used(_id(about), index, about.name, statistics))
    return found


def _id(about: Any) -> str | None:
    uuid = getattr(about, "uuid", None)  # since PyTorch 2.4
    if uuid is None:
        return None
    text = str(uuid)
    return text if text.startswith(("GPU-", "MIG-")) else f"GPU-{text}"
