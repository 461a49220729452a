"""PromQL made from the convention's metrics and attributes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from otelml.rules.naming import Named, label_name, metric_name

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class Series:
    """The series of a metric, or some of them; as text it is a selector."""

    metric: Named
    suffix: str = ""
    matchers: tuple[str, ...] = ()

    def where(self, key: str, operator: str, value: str) -> Series:
        """Keep the series whose attribute `key` compares so with `value`."""
        return replace(self, matchers=(*self.matchers, f"{label_name(key)}{operator}{quoted(value)}"))

    def matching(self, matchers: Iterable[str]) -> Series:
        """Keep the series that ready matchers keep."""
        return replace(self, matchers=(*self.matchers, *matchers))

    @property
    def count(self) -> Series:
        """Of a histogram, the number of measurements."""
        return replace(self, suffix="_count")

    @property
    def sum(self) -> Series:
        """Of a histogram, the sum of the measurements."""
        return replace(self, suffix="_sum")

    @property
    def buckets(self) -> Series:
        """Of a histogram, all buckets."""
        return replace(self, suffix="_bucket")

    def up_to(self, bound: float) -> Series:
        """Of a histogram, the measurements up to one of its boundaries."""
        return self.buckets.matching([f"le=~{quoted('|'.join(bound_spellings(bound)))}"])

    def __str__(self) -> str:
        chosen = "{" + ",".join(self.matchers) + "}" if self.matchers else ""
        return f"{metric_name(self.metric)}{self.suffix}{chosen}"


def bound_spellings(bound: float) -> list[str]:
    """Return how stores write a bucket's boundary, as alternatives of a regular expression.

    OTLP into Prometheus gives `1`, scraping into Prometheus 3 `1.0`, the text format of a small one `1e-05`.
    """
    plain = f"{bound:.10f}".rstrip("0").rstrip(".")
    spellings = [plain, str(float(bound))]
    return [it.replace(".", "\\.").replace("+", "\\+") for it in dict.fromkeys(spellings)]


def quoted(text: str) -> str:
    """Return a string literal of PromQL."""
    return json.dumps(text, ensure_ascii=False)


def labels(*keys: str) -> str:
    """Return the names of the labels of attributes, as `by` and `on` take them."""
    return ", ".join(map(label_name, keys))


def rate(series: Series, window: str, *keys: str) -> str:
    """Return the growth a second, added up by attributes."""
    return _added(f"rate({series}[{window}])", keys)


def increase(series: Series, window: str, *keys: str, offset: str = "") -> str:
    """Return the growth over a window, added up by attributes."""
    return _added(f"increase({series}[{window}]{f' offset {offset}' if offset else ''})", keys)


def growth(series: Series, window: str, *keys: str) -> str:
    """Return the growth over a window, counted from zero for a series that was born in it.

    `increase` needs two points of a series: the first error of a kind, which is the first point of its series, would go
    unseen. For rare things only: after a gap in the data that is longer than the window everything counts as new.
    """
    return _added(f"({series} unless {series} offset {window}) or increase({series}[{window}])", keys)


def _added(inner: str, keys: tuple[str, ...]) -> str:
    return f"sum by ({labels(*keys)}) ({inner})" if keys else f"sum({inner})"


def seconds(duration: str) -> int:
    """Return the length of a duration such as `5m`."""
    return int(duration[:-1]) * SECONDS[duration[-1]]
