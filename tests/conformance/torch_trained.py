"""Programs that train, whose losses, weights and random numbers are compared to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.trace import NoOpTracer

from tests.conformance.hook import Host
from tests.conformance.hooks import torch_training
from tests.conformance.torch_programs import Program, Switch


def _outcomes(run: Callable[[Host], None], enable: Switch) -> list[str]:
    enable()
    host = Host(NoOpTracer())
    run(host)
    return [repr(outcome.tolist() if hasattr(outcome, "tolist") else outcome) for outcome in host.outcomes]


def trained(enable: Switch, disable: Switch) -> Any:
    """Epochs over a loader, with clipping, validation, checkpoints and a declared run."""
    return _outcomes(torch_training.train, enable)


def trained_alike(enable: Switch, disable: Switch) -> Any:
    """Many steps that go the same way."""
    return _outcomes(torch_training.train_alike, enable)


def trained_oddly(enable: Switch, disable: Switch) -> Any:
    """Accumulation, a scaler, a closure, two models at once, losses that are not finite, and failures."""
    return _outcomes(torch_training.train_oddly, enable)


def kept(enable: Switch, disable: Switch) -> Any:
    """Distributed checkpoints."""
    return _outcomes(torch_training.keep, enable)


PRELOAD = ("torch.distributed.checkpoint",)
PROGRAMS: tuple[Program, ...] = (trained, trained_alike, trained_oddly, kept)
