"""Values of tensors, read without waiting for a device: at once on the CPU, one or more steps later elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from otelml.instrumentation.torch.training import captures

_MAX_WAITING = 8
"""Copies under way. When the device is that far behind, further values are left out: only the latest counts."""

dispatch_modes: Callable[[], int] = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)
"""How many modes see every operation now, such as a counter of operations: they shall see none of ours."""

Take = Callable[[float], None]


_new_event: Callable[[], Any] = torch.cuda.Event


class Scalars:
    """Reads tensors of one element, of one thread."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Any, Tensor, Take]] = deque()
        self._free: list[tuple[Any, Tensor]] = []

    def read(self, tensor: Any, take: Take) -> bool:
        """Have the value of a tensor taken, now or at a later `poll`; False if it can't be known without waiting.

        A subclass of `Tensor` may compute or communicate when it is read, so it is not.
        """
        if type(tensor) is not Tensor or tensor.numel() != 1 or dispatch_modes():
            return False
        if tensor.is_cpu:
            take(tensor.item())
            return True
        return tensor.is_cuda and self._copy(tensor, take)

    def poll(self) -> None:
        """Take the values that have arrived."""
        if not self._waiting:
            return
        for take, value in self._arrived():
            take(value)

    def _arrived(self) -> list[tuple[Take, float]]:
        waiting, values = self._waiting, []
        with captures.quiet() as quiet:
            while quiet and waiting and waiting[0][0].query():
                event, arrived, take = waiting.popleft()
                self._free.append((event, arrived))
                values.append((take, arrived.item()))
        return values

    def _copy(self, tensor: Tensor, take: Take) -> bool:
        if len(self._waiting) >= _MAX_WAITING:
            return False
        with captures.quiet() as quiet:
            if not quiet:
                return False
            if self._free:
                event, arrived = self._free.pop()
            else:
                event, arrived = _new_event(), torch.empty((), dtype=torch.float64, pin_memory=True)
            # Converted on the device first: a copy between types would pass through pageable memory, and wait.
            arrived.copy_(tensor.detach().reshape(()).to(torch.float64), non_blocking=True)
            event.record()
        self._waiting.append((event, arrived, take))
        return True
