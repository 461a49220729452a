"""The protocols that join the rooms; `distro` puts the two sides together."""

from __future__ import annotations

from typing import Protocol

from otelml.observations.calls import Call


class Observer(Protocol):
    """Takes every outermost call, on the caller's thread: the work is bounded, and what is kept is copied."""

    def observe(self, call: Call) -> None:
        """Take one call."""
        ...
