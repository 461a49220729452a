"""otelml: the machine learning inside a Python program, observable through OpenTelemetry."""

from __future__ import annotations

from otelml._version import __version__
from otelml.api import describe, instrument, uninstrument
from otelml.telemetry.context import attributes

__all__ = ["__version__", "attributes", "describe", "instrument", "uninstrument"]
