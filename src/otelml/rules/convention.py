"""What the convention declares of a metric beyond name, unit and instrument."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from otelml.rules.naming import Named


@functools.cache
def _registry() -> Mapping[str, Any]:
    tree: Mapping[str, Any] = json.loads(files("otelml.semconv").joinpath("resolved.json").read_text("utf-8"))
    return tree


def declared_metrics() -> Mapping[str, Any]:
    """Return the metrics of the resolved registry, by name."""
    metrics: Mapping[str, Any] = _registry()["metrics"]
    return metrics


def well_known_values(key: str) -> tuple[str, ...]:
    """Return the values that the convention names for an attribute; programs may use others, too."""
    return tuple(str(member["value"]) for member in _registry()["attributes"][key].get("members", ()))


def attributes_of(metric: Named) -> frozenset[str]:
    """Return the attributes that series of a metric have."""
    return frozenset(declared_metrics()[metric.name]["attributes"])


def planned_for(metric: Named) -> str | None:
    """Return the date by which otelml is to emit a metric that it does not emit yet."""
    date: str | None = declared_metrics()[metric.name]["planned"]
    return date
