"""Histograms of any bucket layout, merged, and the quantiles of what they have counted."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Distribution:
    """How many values fell into which interval.

    Intervals may overlap: histograms with other bounds, or exponential ones of another scale, are merged by keeping the
    intervals of both. An interval may be infinite on one side and may be a single value (low == high).

    Attributes:
        intervals: the number of values for each ``(low, high)``.
        total: the sum of the values.
        minimum: the smallest value; None if it isn't known.
        maximum: the largest value; None if it isn't known.
    """

    intervals: Mapping[tuple[float, float], int] = field(default_factory=dict)
    total: float = 0.0
    minimum: float | None = None
    maximum: float | None = None

    @property
    def count(self) -> int:
        """The number of values."""
        return sum(self.intervals.values())

    @property
    def mean(self) -> float:
        """The mean of the values; NaN if there are none."""
        count = self.count
        return self.total / count if count else math.nan

    def quantile(self, q: float) -> float:
        """Return the value below which the share ``q`` of the values lies; NaN if there are no values.

        Values are taken to be spread evenly over their interval, so the result is exact to the width of one interval.
        """
        target = q * self.count
        density_changes: defaultdict[float, float] = defaultdict(float)
        at_one_value: defaultdict[float, int] = defaultdict(int)
        for low, high, count in self._finite_intervals():
            if low == high:
                at_one_value[low] += count
            else:
                density_changes[low] += count / (high - low)
                density_changes[high] -= count / (high - low)
        below, density, last = 0.0, 0.0, math.nan
        for edge in sorted({*density_changes, *at_one_value}):
            between = density * (edge - last) if density > 0 else 0.0
            if between and below + between >= target:
                return min(last + (target - below) / density, edge)
            below += between + at_one_value.get(edge, 0)
            if below >= target:
                return edge
            density += density_changes.get(edge, 0.0)
            last = edge
        return last

    def _finite_intervals(self) -> Iterator[tuple[float, float, int]]:
        """Yield the intervals cut to the range in which values are known, or may be taken, to lie."""
        for (low, high), count in self.intervals.items():
            if self.minimum is not None:
                low = max(low, self.minimum)
            elif low == -math.inf:
                low = min(0.0, high)
            if self.maximum is not None:
                high = min(high, self.maximum)
            elif high == math.inf:
                high = low
            # Rounding may leave the extreme value a trifle outside its bucket.
            yield min(low, high), max(low, high), count


def merge(distributions: Iterable[Distribution]) -> Distribution:
    """Return the distribution of all the values of all of these."""
    intervals: Counter[tuple[float, float]] = Counter()
    total = 0.0
    minima: list[float | None] = []
    maxima: list[float | None] = []
    for one in distributions:
        if one.intervals:
            intervals.update(one.intervals)
            total += one.total
            minima.append(one.minimum)
            maxima.append(one.maximum)
    known_minima = [value for value in minima if value is not None]
    known_maxima = [value for value in maxima if value is not None]
    return Distribution(
        intervals,
        total,
        min(known_minima) if minima and len(known_minima) == len(minima) else None,
        max(known_maxima) if maxima and len(known_maxima) == len(maxima) else None,
    )
