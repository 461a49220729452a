"""Which calls get their duration and a root span recorded, for no more than a share of the calls' own time.

The SDK is what costs (DESIGN, decision 1): one histogram record is some 15 us, one span some 50 us, where a
scikit-learn `predict` of one row takes 145 us. The share recorded follows from the moving mean of the calls' durations
and the measured cost of recording. A call's own duration never decides whether it is recorded, so the recorded
durations are an unbiased sample.
"""

from __future__ import annotations

import math
from random import Random

BURST = 20
"""Calls that every series records whatever they cost: the first ones are always seen."""

_COUNTING_COST = 3e-6
"""What counting a call costs when nothing of it is recorded, in seconds; it is taken from the budget first
(benchmarks/RESULTS.md)."""

_INNER_COST = 9e-7
"""What a call inside a call costs, which is passed on at once, in seconds."""

_LEAST_PART = 0.1
_LEAST_SHARE = 1 / 128
"""The part of the budget that goes to recording even where counting uses it up, so that every series has a distribution
of durations: at most for this share of the calls, few enough to leave their 99th percentile alone."""

_SPAN_PART = 0.1
"""The part of what is left that is kept for root spans while durations need the rest. It gives few enough calls a span
to leave the 99th percentile of the host's latency alone."""

_DURATION_FACTOR = 1.5
"""What recording a duration costs in all for what it takes itself: the host's next call finds the processor's caches
filled with it."""

_SPAN_FACTOR = 2.0
"""A span costs about as much again when the exporter's thread encodes it while holding the GIL."""

_MEAN_WEIGHT = 1 / 8192
"""A long mean: a share that followed the phases of the traffic would record slow phases more densely."""

_COST_WEIGHT = 1 / 1024
_FIRST_COST_WEIGHT = 1 / 16
_NEVER = 1 << 62

# Not the module's functions: they share their state with the host, whose seeded draws would change.
_random = Random()


class RecordingBudget:
    """The budget of one series (a model's operation).

    Calls are counted down to the next recorded one, with geometric steps, as if each call were drawn by itself.
    """

    __slots__ = (
        "_calls",
        "_costs",
        "_inner_calls",
        "_lasted",
        "_limit",
        "_until_duration",
        "_until_span",
        "_worked",
        "duration_cost",
        "mean",
        "span_cost",
    )

    def __init__(self, limit: float) -> None:
        """Start full.

        Args:
            limit: the share of the calls' time that telemetry may take, 0 to 1; at 1 every call is recorded.
        """
        self._limit = limit
        self._calls = 0
        self._costs = 0
        self._worked = 0.0
        self._lasted = 0.0
        self._inner_calls = 0.0
        self.mean = 0.0
        self.duration_cost = 20e-6
        self.span_cost = 60e-6
        self._until_duration = 0 if limit else _NEVER
        self._until_span = self._until_duration

    @property
    def duration_share(self) -> float:
        """The share of calls whose duration is recorded, in force now."""
        if self._limit >= 1:
            return 1.0
        total = self._total()
        affordable = (total - self._counting_cost()) * (1 - _SPAN_PART) / (self.duration_cost * _DURATION_FACTOR)
        least = min(total * _LEAST_PART / (self.duration_cost * _DURATION_FACTOR), _LEAST_SHARE)
        return min(1.0, max(affordable, least))

    @property
    def span_share(self) -> float:
        """The share of calls outside any span that get a span, in force now."""
        if self._limit >= 1:
            return 1.0
        spent = self._counting_cost() + self.duration_share * self.duration_cost * _DURATION_FACTOR
        left = max(self._total() - spent, 0.0)
        return min(1.0, left / (self.span_cost * _SPAN_FACTOR))

    def _counting_cost(self) -> float:
        return _COUNTING_COST + self._inner_calls * _INNER_COST

    def _total(self) -> float:
        # Threads that wait for each other all call the same second theirs; only what a thread computed counts.
        busy = self._worked / self._lasted if self._lasted else 1.0
        return self._limit * self.mean * busy

    def unrecorded_calls(self, most: int) -> int:
        """How many calls from now on need no span, up to `most`; only the last may have its duration recorded."""
        return min(self._until_span, self._until_duration + 1, most)

    def advance(self, calls: int) -> tuple[bool, bool]:
        """Take it that this many calls have begun.

        Returns:
            Whether the last of them gets its duration recorded, and whether it gets a span when outside any.
        """
        self._until_duration -= calls
        self._until_span -= calls
        duration, span = self._until_duration < 0, self._until_span < 0
        if duration:
            self._until_duration = self._steps(self.duration_share)
        if span:
            self._until_span = self._steps(self.span_share)
        return duration, span

    def _steps(self, share: float) -> int:
        if self._calls < BURST or share >= 1:
            return 0
        if share <= 0:
            return _NEVER
        return int(math.log(1 - _random.random()) / math.log1p(-share))

    def add(self, calls: int, duration: float) -> None:
        """Take finished calls into the moving mean.

        Args:
            calls: how many, at least 1.
            duration: the seconds they took together.
        """
        self._calls += calls
        weight = max(1 - (1 - _MEAN_WEIGHT) ** calls, calls / self._calls)
        self.mean += (duration / calls - self.mean) * weight

    def contained(self, calls: int) -> None:
        """Take how many calls were inside one, such as those of a forest's trees."""
        self._inner_calls += (calls - self._inner_calls) * _FIRST_COST_WEIGHT

    def worked(self, seconds: float, duration: float) -> None:
        """Take for how much of a call's duration its thread had the processor.

        The sums count, not the mean of the shares: most calls run through, and a few wait for all other threads.
        """
        self._worked += min(seconds, duration)
        self._lasted += duration

    def spent_on_duration(self, seconds: float) -> None:
        """Take what recording a duration has cost."""
        self.duration_cost = self._moved(self.duration_cost, seconds)

    def spent_on_span(self, seconds: float) -> None:
        """Take what starting and ending a span has cost the caller's thread."""
        self.span_cost = self._moved(self.span_cost, seconds)

    def _moved(self, cost: float, seconds: float) -> float:
        self._costs += 1
        weight = max(_COST_WEIGHT, min(_FIRST_COST_WEIGHT, 1 / self._costs))
        # A pause of the garbage collector or a thread switch inside the measurement is not the cost of recording.
        return cost + (min(seconds, 4 * cost) - cost) * weight
