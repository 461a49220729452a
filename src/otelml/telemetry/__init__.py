"""The one emission layer: everything that becomes a span, a metric or an event goes through here."""

from __future__ import annotations

from otelml.telemetry.context import attributes
from otelml.telemetry.handler import Telemetry
from otelml.telemetry.operation import Operation
from otelml.telemetry.series import Target

__all__ = ["Operation", "Target", "Telemetry", "attributes"]
