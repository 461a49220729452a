"""The callback of `lightning`'s trainers, in a module of its own so that pickle finds it."""

from __future__ import annotations

from lightning.pytorch.callbacks import Callback as Base

from otelml.instrumentation.lightning.hooks import Hooks


class Callback(Hooks, Base):
    """Reports what a trainer does; holds nothing."""
