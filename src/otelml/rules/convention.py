"""What the convention declares of a metric beyond name, unit and instrument."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from otelml.rules.naming import Named


@functools.cache
def declared_metrics() -> Mapping[str, Any]:
    """Return the metrics of the resolved registry, by name."""
    tree = json.loads(files("otelml.semconv").joinpath("resolved.json").read_text("utf-8"))
    metrics: Mapping[str, Any] = tree["metrics"]
    return metrics


def attributes_of(metric: Named) -> frozenset[str]:
    """Return the attributes that series of a metric have."""
    return frozenset(declared_metrics()[metric.name]["attributes"])
