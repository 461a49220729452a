"""The hooks' state, while they are on."""

from __future__ import annotations

from otelml._forks import call_in_children
from otelml.instrumentation.torch.training import threads
from otelml.instrumentation.torch.training.runtime import Training, loops
from otelml.settings import Settings
from otelml.telemetry import Telemetry
from otelml.telemetry.training import training_telemetry

training: Training | None = None
"""What the hooks tell, None while they are switched off. Replaced, so it is to be reached through this module."""


def activate(telemetry: Telemetry, settings: Settings) -> None:
    """Switch the hooks on, or put settings in force."""
    global training
    made = Training(training_telemetry(telemetry, settings), settings)
    if settings.torch_flops:
        from otelml.instrumentation.torch.flops import flops_of  # brings parts of PyTorch that few need

        made.counts = flops_of(telemetry).sees
    training = made


def deactivate() -> None:
    """Make the hooks inert; the runs there are end."""
    global training
    ended, training = training, None
    if ended is not None:
        ended.telemetry.finish()
    loops.clear()
    threads.forget()


def _begin_anew() -> None:
    if training is not None:
        training.forget()


call_in_children(_begin_anew)
