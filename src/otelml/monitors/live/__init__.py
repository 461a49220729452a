"""The monitors of a running process: fed by the hooks, read when metrics are collected."""

from __future__ import annotations

from otelml.monitors.live.process import LiveMonitors
from otelml.monitors.live.profiled import DESCRIBE, leave_reference

__all__ = ["DESCRIBE", "LiveMonitors", "leave_reference"]
