"""Hooks are held to their contract with monitors on, as they are in an application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otelml import settings
from otelml.monitors.live import LiveMonitors
from otelml.observations import Finding, ModelIdentity, ReferenceChange, joined


class Nobody:
    """Takes what monitors say, and does nothing with it."""

    def found(self, model: ModelIdentity, reference: str, finding: Finding) -> None:
        """A finding."""

    def reference_changed(self, model: ModelIdentity, change: ReferenceChange) -> None:
        """A reference."""


def new_monitors() -> LiveMonitors:
    """Monitors that see every row and know no model yet."""
    return LiveMonitors(settings.resolve({"overhead_budget": 1}, {}), Nobody())


@pytest.fixture(autouse=True)
def monitors() -> Iterator[LiveMonitors]:
    """Monitors, joined to the hooks that a test switches on."""
    live = new_monitors()
    joined.join(live)
    yield live
    joined.join(None)
