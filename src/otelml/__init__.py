"""otelml: the machine learning inside a Python program, observable through OpenTelemetry."""

from __future__ import annotations

from otelml._version import __version__
from otelml.api import agent, describe, instrument, restore, snapshot, tool, uninstrument, workflow
from otelml.telemetry.context import attributes
from otelml.telemetry.conversation import conversation
from otelml.telemetry.training import training

__all__ = [
    "__version__",
    "agent",
    "attributes",
    "conversation",
    "describe",
    "instrument",
    "restore",
    "snapshot",
    "tool",
    "training",
    "uninstrument",
    "workflow",
]
