"""Metrics of OpenTelemetry's hardware convention, which rules and dashboards use and the registry does not declare.

OpenTelemetry's package holds their names as constants, but unit and instrument only in the functions that create them,
so these are called with a meter that writes down what it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from opentelemetry.semconv._incubating.metrics import hw_metrics

from otelml.semconv import attributes as names


class UpstreamMetric(NamedTuple):
    """A metric of an upstream convention.

    Attributes:
        instrument: `counter`, `updowncounter`, `gauge` or `histogram`.
        attributes: what tells its series apart.
    """

    name: str
    instrument: str
    unit: str
    attributes: tuple[str, ...] = ()


class _Recorder:
    """Stands for a meter; each of its methods returns what it was asked to create."""

    def __getattr__(self, method: str) -> Callable[..., UpstreamMetric]:
        kind = method.removeprefix("create_").removeprefix("observable_").replace("_", "")
        return lambda name, unit, **_: UpstreamMetric(name, kind, unit)


def _recorded(create: Callable[..., Any], attributes: tuple[str, ...]) -> UpstreamMetric:
    arguments = (None,) * (create.__code__.co_argcount - 1)  # of an asynchronous instrument, its callbacks
    metric: UpstreamMetric = create(_Recorder(), *arguments)
    return metric._replace(attributes=attributes)


_COMPONENT = (names.HW_ID,)


HW_GPU_UTILIZATION = _recorded(hw_metrics.create_hw_gpu_utilization, _COMPONENT)
HW_GPU_MEMORY_UTILIZATION = _recorded(hw_metrics.create_hw_gpu_memory_utilization, _COMPONENT)
HW_GPU_MEMORY_USAGE = _recorded(hw_metrics.create_hw_gpu_memory_usage, _COMPONENT)
HW_ERRORS = _recorded(hw_metrics.create_hw_errors, (*_COMPONENT, names.HW_TYPE, names.ERROR_TYPE))

UPSTREAM = (HW_GPU_UTILIZATION, HW_GPU_MEMORY_UTILIZATION, HW_GPU_MEMORY_USAGE, HW_ERRORS)
