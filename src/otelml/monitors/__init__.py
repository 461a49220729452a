"""What watches models: one family a file; they know observations only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otelml.monitors.drift import DriftMonitor
    from otelml.monitors.reference import Reference

__all__ = ["DriftMonitor", "Reference"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: who watches a chat alone needs no statistics.
    if name == "DriftMonitor":
        from otelml.monitors.drift import DriftMonitor

        return DriftMonitor
    if name == "Reference":
        from otelml.monitors.reference import Reference

        return Reference
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
