"""The metrics of torchrun and of what publishes as it does, whoever else they go to.

`torch.distributed.elastic.metrics.configure` sends them to one handler, which is the application's to choose. So the
stream in front of the handlers is watched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelml._guard import guarded
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.telemetry import Telemetry
from otelml.telemetry.training.elastic import ElasticMetrics

_telemetry: Telemetry | None = None
_metrics: ElasticMetrics | None = None


def switch_on(telemetry: Telemetry) -> None:
    """Report what is published from now on."""
    global _telemetry, _metrics
    if _telemetry is not telemetry:
        _telemetry, _metrics = telemetry, ElasticMetrics(telemetry)
    _PATCHES.switch_on()


def switch_off() -> None:
    """Report nothing more."""
    _PATCHES.switch_off()


def _add_value(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _publish(*args, **kwargs)
    return function(*args, **kwargs)


@guarded
def _publish(stream: Any, metric_name: str, metric_value: float) -> None:
    if _metrics is not None:
        _metrics.published(str(stream.group_name), str(metric_name), metric_value)


_PATCHES = PatchTable(Patch("torch.distributed.elastic.metrics.api", "MetricStream.add_value", _add_value))
