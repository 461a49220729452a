"""Composition: the only room that knows all others and the SDK."""

from __future__ import annotations

from otelml.distro.composition import instrument, prepare, uninstrument

__all__ = ["instrument", "prepare", "uninstrument"]
