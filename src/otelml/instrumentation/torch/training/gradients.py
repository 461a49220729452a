"""The norm of the gradients, and the learning rate, without waiting for a device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otelml.instrumentation.torch.training import captures
from otelml.instrumentation.torch.training.scalars import Scalars, Take, dispatch_modes


def read_norm(optimizer: Any, scalars: Scalars, take: Take) -> None:
    """Have the norm of an optimizer's gradients computed and taken.

    Left out where it can't be had on this process alone: sharded parameters hold a part of the gradient, and the norm
    of sparse gradients, or of those on several devices, is not one operation.
    """
    parameters = [it for group in optimizer.param_groups for it in group["params"] if it.grad is not None]
    gradients = [it.grad for it in parameters]
    if not gradients or dispatch_modes():
        return
    device = gradients[0].device
    if any(type(it) is not Tensor or it.layout != torch.strided or it.device != device for it in gradients):
        return
    if any(type(it).__name__ == "FlatParameter" for it in parameters) or device.type not in ("cpu", "cuda"):
        return
    if device.type == "cpu":
        scalars.read(_norm(gradients), take)
        return
    with captures.quiet() as quiet:
        if quiet:
            scalars.read(_norm(gradients), take)


def _norm(gradients: list[Tensor]) -> Tensor:
    with torch.no_grad():
        norms = torch._foreach_norm(gradients, 2.0)
        norm: Tensor = torch.linalg.vector_norm(torch.stack([it.float() for it in norms]))
    return norm


def learning_rate(optimizer: Any) -> float | None:
    """The learning rate of the first parameter group; None where reading it would wait for a device."""
    groups = optimizer.param_groups
    rate = groups[0].get("lr") if groups else None
    if type(rate) is float:
        return rate
    if isinstance(rate, Tensor):
        return rate.item() if rate.device.type == "cpu" and rate.numel() == 1 else None
    return float(rate) if isinstance(rate, (int, float)) else None
