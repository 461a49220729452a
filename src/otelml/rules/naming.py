"""What a metric and an attribute of OpenTelemetry are called in Prometheus.

The rules are those of `github.com/prometheus/otlptranslator` 1.0.0 with its default strategy, escaped names with
suffixes, which the Collector, Prometheus and VictoriaMetrics share: every run of other characters becomes `_`, the unit
is appended in words, and then `_total` to counters and `_ratio` to gauges of unit `1`.
"""

from __future__ import annotations

import re
from typing import Protocol

_UNITS = {
    "By": "bytes",
    "Cel": "celsius",
    "Hz": "hertz",
    "J": "joules",
    "W": "watts",
    "ms": "milliseconds",
    "s": "seconds",
    "us": "microseconds",
    "%": "percent",
}
_PER = {"s": "second", "m": "minute", "h": "hour"}
_ANNOTATION = re.compile(r"\{[^}]*\}")
_SEPARATORS = re.compile(r"[^A-Za-z0-9:]+")


class Named(Protocol):
    """What the name depends on: of `otelml.semconv.metrics`, or made for the purpose."""

    @property
    def name(self) -> str:
        """The name in OpenTelemetry."""

    @property
    def instrument(self) -> str:
        """`counter`, `updowncounter`, `gauge` or `histogram`."""

    @property
    def unit(self) -> str:
        """The unit in UCUM."""


def metric_name(metric: Named) -> str:
    """Return the metric's name in Prometheus, which for a histogram is the start of its three series' names."""
    words = [word for word in _SEPARATORS.split(metric.name) if word]
    unit = _ANNOTATION.sub("", metric.unit)
    main, _, per = unit.partition("/")
    # Compared with whole words: `step.duration_seconds` does not get its unit twice.
    if main and main != "1" and (word := _UNITS.get(main, main)) not in words:
        words.append(word)
    if per:
        words += ["per", _PER.get(per, per)]
    if metric.instrument == "counter":
        words = [word for word in words if word != "total"] + ["total"]
    elif metric.instrument == "gauge" and unit == "1":
        words = [word for word in words if word != "ratio"] + ["ratio"]
    return "_".join(words)


def label_name(key: str) -> str:
    """Return the name of the label that holds an attribute."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", key)
