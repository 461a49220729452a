"""Training loops, seen without touching the code.

A step is the forward and backward passes since the last update, and the update. Its time by phase, samples, tokens,
loss, learning rate and gradient norm are told; so are epochs, validation passes, checkpoints and anomalies. The hook of
`nn.Module.__call__` says here which modules are called; everything else is wrapped here.

Imports PyTorch: to be imported once that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otelml._guard import guarded
from otelml.instrumentation.torch.training import active, patch
from otelml.instrumentation.torch.training.runtime import loops
from otelml.settings import Settings
from otelml.telemetry import Telemetry

__all__ = ["forward_began", "forward_ended", "loops", "switch_off", "switch_on"]


def switch_on(telemetry: Telemetry, settings: Settings) -> None:
    """See training loops from now on, or put settings in force."""
    active.activate(telemetry, settings)
    patch.switch_on()


def switch_off() -> None:
    """Restore what is still ours; the runs there are end."""
    active.deactivate()
    patch.switch_off()


@guarded
def forward_began(module: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> object | None:
    """Take it that an outermost module is called.

    Returns:
        None if the call is inference; else what `forward_ended` is to be given.
    """
    training = active.training
    return None if training is None else training.forward_began(module, args, kwargs)


@guarded
def forward_ended(claimed: object, result: object) -> None:
    """Take it that the call has returned, or raised, with None as its result then."""
    training = active.training
    if training is not None:
        training.forward_ended(claimed, result)
