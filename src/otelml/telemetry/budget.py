"""Which calls get their duration and a root span recorded, so that recording costs no more than a share of the calls' own time.

The SDK is what costs (DESIGN, decision 1): one histogram record is some 15 us, one span some 50 us, where a scikit-learn `predict` of
one row takes 145 us. The share recorded follows from the moving mean of the calls' durations and the measured cost of recording. A call's
own duration never decides whether it is recorded, so the recorded durations are an unbiased sample.
"""

from __future__ import annotations

import math
from random import Random

BURST = 20
"""Calls that every series records whatever they cost: the first ones are always seen."""

_SPAN_SHARE = 0.1
"""The part of the budget kept for root spans while durations need the rest. At 3% of 145 us it gives 0.4% of the calls a span, few
enough to leave the 99th percentile of the host's latency alone."""

_SPAN_FACTOR = 2.0
"""A span costs about as much again when the exporter's thread encodes it while holding the GIL."""

_MEAN_WEIGHT = 1 / 64
_COST_WEIGHT = 1 / 16
_NEVER = 1 << 62

# Not the module's functions: they share their state with the host, whose seeded draws would change.
_random = Random()


class RecordingBudget:
    """The budget of one series (a model's operation)."""

    __slots__ = ("_calls", "_duration_gap", "_limit", "_span_gap", "duration_cost", "mean", "span_cost")

    def __init__(self, limit: float) -> None:
        """Start full.

        Args:
            limit: the share of the calls' time that recording may take, 0 to 1; at 1 every call is recorded.
        """
        self._limit = limit
        self._calls = 0
        self.mean = 0.0
        self.duration_cost = 20e-6
        self.span_cost = 60e-6
        self._duration_gap = 0
        self._span_gap = 0

    @property
    def duration_share(self) -> float:
        """The share of calls whose duration is recorded, in force now."""
        if self._limit >= 1:
            return 1.0
        available = self._limit * self.mean * (1 - _SPAN_SHARE)
        return min(1.0, available / self.duration_cost)

    @property
    def span_share(self) -> float:
        """The share of calls outside any recording span that get a span, in force now."""
        if self._limit >= 1:
            return 1.0
        available = self._limit * self.mean
        left = available - self.duration_share * self.duration_cost
        return min(1.0, left / (self.span_cost * _SPAN_FACTOR))

    def wants_duration(self) -> bool:
        """Whether the call that starts now gets its duration recorded."""
        if self._duration_gap:
            self._duration_gap -= 1
            return False
        self._duration_gap = 0 if self._in_burst() else _gap(self.duration_share)
        return True

    def wants_span(self) -> bool:
        """Whether the call that starts now, outside any recording span, gets a span."""
        if self._span_gap:
            self._span_gap -= 1
            return False
        self._span_gap = 0 if self._in_burst() else _gap(self.span_share)
        return True

    def _in_burst(self) -> bool:
        return self._limit > 0 and self._calls < BURST

    def add(self, duration: float) -> None:
        """Take the duration of a finished call, in seconds, into the moving mean."""
        self._calls += 1
        self.mean += (duration - self.mean) * max(_MEAN_WEIGHT, 1 / self._calls)

    def spent_on_duration(self, seconds: float) -> None:
        """Take what recording a duration has cost."""
        self.duration_cost = _moved(self.duration_cost, seconds)

    def spent_on_span(self, seconds: float) -> None:
        """Take what starting and ending a span has cost the caller's thread."""
        self.span_cost = _moved(self.span_cost, seconds)


def _moved(cost: float, seconds: float) -> float:
    # A pause of the garbage collector or a thread switch inside the measurement is not the cost of recording.
    return cost + (min(seconds, 4 * cost) - cost) * _COST_WEIGHT


def _gap(share: float) -> int:
    """How many calls to pass over until the next recorded one: geometric, as if each call were drawn by itself."""
    if share >= 1:
        return 0
    if share <= 0:
        return _NEVER
    return int(math.log(1 - _random.random()) / math.log1p(-share))
