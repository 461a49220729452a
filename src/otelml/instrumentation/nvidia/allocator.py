"""PyTorch's allocator: what it holds of each device that the process uses."""

from __future__ import annotations

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otelml._guard import guarded
from otelml.instrumentation.nvidia import cuda
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.semconv.attributes import SystemName
from otelml.semconv.metrics import Metric

GPU = "gpu"

_METRICS: tuple[tuple[Metric, str], ...] = (
    (metrics.ML_DEVICE_ALLOCATOR_ALLOCATED, "allocated_bytes.all.current"),
    (metrics.ML_DEVICE_ALLOCATOR_RESERVED, "reserved_bytes.all.current"),
    (metrics.ML_DEVICE_ALLOCATOR_PEAK, "allocated_bytes.all.peak"),
    (metrics.ML_DEVICE_ALLOCATOR_RETRIES, "num_alloc_retries"),
    (metrics.ML_DEVICE_ALLOCATOR_ERRORS, "num_ooms"),
)
"""Each metric, and what `torch.cuda.memory_stats` calls it."""


class Allocator:
    """Reads the allocator's statistics when metrics are collected.

    Attributes:
        on: whether it does.
    """

    def __init__(self, meter: Meter) -> None:
        self.on = False
        for metric, key in _METRICS:
            self._observe(meter, metric, key)

    def _observe(self, meter: Meter, metric: Metric, key: str) -> None:
        @guarded
        def callback(_options: CallbackOptions) -> list[Observation]:
            if not self.on:
                return []
            return [
                Observation(device.statistics[key], _attributes(device))
                for device in cuda.used()
                if key in device.statistics
            ]

        metric.observe(meter, [lambda options: callback(options) or []])


def _attributes(device: cuda.Used) -> dict[str, str]:
    return {
        names.ML_SYSTEM_NAME: SystemName.PYTORCH,
        names.HW_ID: device.id or f"cuda:{device.position}",
        names.HW_TYPE: GPU,
        names.HW_MODEL: device.name,
    }
