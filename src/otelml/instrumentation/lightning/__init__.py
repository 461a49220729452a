"""Lightning: the metrics that a trainer logs, its epochs and its validation passes, through its own door.

Lightning asks the entry points `lightning.pytorch.callbacks_factory` for callbacks and gives each trainer ours; nothing
is patched. Steps, samples and time are seen by the hooks of PyTorch inside.
"""

from __future__ import annotations

from typing import Any

from otelml.instrumentation._base import MLInstrumentor
from otelml.instrumentation.lightning import hooks
from otelml.instrumentation.lightning.package import REQUIRES_ANY
from otelml.settings import Settings
from otelml.telemetry import Telemetry

__all__ = ["LightningInstrumentor", "callbacks", "pytorch_lightning_callbacks"]


class LightningInstrumentor(MLInstrumentor):
    """Instruments Lightning.

    Example:
        >>> LightningInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.lightning"
    requires_any = REQUIRES_ANY

    def _switch_on(self, telemetry: Telemetry, settings: Settings) -> None:
        hooks.switch_on(telemetry, settings)

    def _switch_off(self) -> None:
        hooks.switch_off()


def callbacks() -> list[Any]:
    """The callbacks of a trainer of `lightning`: ours while the instrumentation is on, else none."""
    if not hooks.is_on():
        return []
    from otelml.instrumentation.lightning.callback import Callback

    return [Callback()]


def pytorch_lightning_callbacks() -> list[Any]:
    """The same for a trainer of `pytorch_lightning`, whose classes are others."""
    if not hooks.is_on():
        return []
    from otelml.instrumentation.lightning.pytorch_lightning_callback import Callback

    return [Callback()]
