"""NVIDIA GPUs: what the driver tells of the devices that the process uses, and what PyTorch's allocator holds on them.

Everything is read when metrics are collected, and nothing before: no library is imported, no device opened, and CUDA is
never initialised (docs/gpu.md).
"""

from __future__ import annotations

from typing import Any

from opentelemetry.metrics import get_meter

from otelml import settings as settings_module
from otelml._version import __version__
from otelml.instrumentation._base import LibraryInstrumentor
from otelml.instrumentation.nvidia.allocator import Allocator
from otelml.instrumentation.nvidia.devices import NONE, Devices
from otelml.instrumentation.nvidia.package import REQUIRES_ANY, SCOPE
from otelml.semconv import SCHEMA_URL
from otelml.settings import Settings

__all__ = ["NvidiaInstrumentor"]


class NvidiaInstrumentor(LibraryInstrumentor):
    """Reports NVIDIA GPUs whenever metrics are collected.

    `instrument()` takes `meter_provider`, which defaults to the global one, and `settings` (an
    `otelml.settings.Settings`).

    Example:
        >>> NvidiaInstrumentor().instrument()  # meter_provider=...
    """

    scope = SCOPE
    requires_any = REQUIRES_ANY

    _devices: Devices | None = None
    _allocator: Allocator | None = None

    def _instrument(self, **kwargs: Any) -> None:
        settings: Settings = kwargs.get("settings") or settings_module.current()
        providers = (kwargs.get("meter_provider"),)
        if self._devices is None or self._allocator is None or self._providers != providers:
            # The SDK keeps asynchronous instruments for good: made twice on one provider, all would be exported twice.
            meter = get_meter(SCOPE, __version__, providers[0], SCHEMA_URL)
            self._devices, self._allocator = Devices(meter), Allocator(meter)
            self._providers = providers
        self._devices.watch(settings.gpu_devices)
        self._allocator.on = settings.gpu_devices != NONE

    def configure(self, settings: Settings) -> None:
        """Put settings in force while the instrumentation is on."""
        if self._devices is not None and self._allocator is not None:
            self._devices.watch(settings.gpu_devices)
            self._allocator.on = settings.gpu_devices != NONE

    def _switch_off(self) -> None:
        if self._devices is not None and self._allocator is not None:
            self._devices.watch(NONE)
            self._allocator.on = False
