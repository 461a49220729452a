"""Composition: the only room that knows all others and the SDK."""

from __future__ import annotations

from otelml.distro.composition import instrument, prepare, uninstrument
from otelml.distro.monitoring import restore, snapshot

__all__ = ["instrument", "prepare", "restore", "snapshot", "uninstrument"]
