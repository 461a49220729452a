"""The hooks' state, while they are on."""

from __future__ import annotations

import os

from otelml.instrumentation.torch.training import threads
from otelml.instrumentation.torch.training.runtime import Training, loops
from otelml.settings import Settings
from otelml.telemetry import Telemetry
from otelml.telemetry.training import training_telemetry

_active: Training | None = None


def active() -> Training | None:
    """What the hooks tell, None while they are switched off."""
    return _active


def activate(telemetry: Telemetry, settings: Settings) -> None:
    """Switch the hooks on, or put settings in force."""
    global _active
    training = Training(training_telemetry(telemetry, settings), settings)
    if settings.torch_flops:
        from otelml.instrumentation.torch.flops import flops_of  # brings parts of PyTorch that few need

        training.counts = flops_of(telemetry).sees
    _active = training


def deactivate() -> None:
    """Make the hooks inert; the runs there are end."""
    global _active
    training, _active = _active, None
    if training is not None:
        training.telemetry.finish()
    loops.clear()
    threads.forget()


def _begin_anew() -> None:
    if _active is not None:
        _active.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
