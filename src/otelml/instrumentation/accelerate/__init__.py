"""Accelerate: what an application gives to `Accelerator.log`, through a tracker.

The tracker is among those of every accelerator whose `init_trackers` is called, without being asked for. Steps, samples
and time are seen by the hooks of PyTorch inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelml._guard import guarded
from otelml.instrumentation._base import MLInstrumentor
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.accelerate.package import REQUIRES
from otelml.settings import Settings
from otelml.telemetry import Telemetry

__all__ = ["AccelerateInstrumentor"]

_on: tuple[Telemetry, Settings] | None = None


def _init_trackers(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = function(*args, **kwargs)
    _add(args[0], args[1:], kwargs)
    return result


@guarded
def _add(accelerator: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if _on is None or not accelerator.is_main_process:
        return
    from otelml.instrumentation.accelerate.tracker import OtelmlTracker

    if any(isinstance(tracker, OtelmlTracker) for tracker in accelerator.trackers):
        return
    project = kwargs.get("project_name", args[0] if args else "")
    config = kwargs.get("config", args[1] if len(args) > 1 else None)
    accelerator.trackers.append(OtelmlTracker(*_on, str(project), config))


_PATCHES = PatchTable(Patch("accelerate.accelerator", "Accelerator.init_trackers", _init_trackers))


class AccelerateInstrumentor(MLInstrumentor):
    """Instruments Accelerate.

    Example:
        >>> AccelerateInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.accelerate"
    requires = REQUIRES

    def _switch_on(self, telemetry: Telemetry, settings: Settings) -> None:
        global _on
        _on = (telemetry, settings)
        _PATCHES.switch_on()

    def _switch_off(self) -> None:
        global _on
        _on = None
        _PATCHES.switch_off()
