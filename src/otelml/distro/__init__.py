"""Composition: the only room that knows all others and the SDK."""

from __future__ import annotations

from otelml.distro.composition import instrument, prepare, uninstrument
from otelml.distro.launcher import OtelmlConfigurator, OtelmlDistro

__all__ = ["OtelmlConfigurator", "OtelmlDistro", "instrument", "prepare", "uninstrument"]
