"""How many of a model's rows the monitors see: as many as the overhead budget pays for, drawn blindly.

A row costs some microseconds until it is binned and its window tested, as much as a few hundredths of a quick model's
own call. The share that is seen follows from the mean duration of the calls and the measured cost of a row, never from
the call's own duration or values, so what is seen is an unbiased sample.
"""

from __future__ import annotations

from random import Random
from time import perf_counter_ns

import numpy as np

BURST = 2_000
"""Rows that are seen whatever they cost: monitors of a model that has just been loaded are ready soon."""

_LEAST_RATE = 30e-9
"""Rows per nanosecond (30 a second) that are seen whatever they cost, some 0.01% of a processor: rare big batches are
watched, too."""

_FACTOR = 3.0
"""What a row costs in all for what it takes itself: the host's next calls find the processor's caches filled."""

_FEWEST = 16
"""Rows of a batch that are taken at least, or none: to take one costs as much as to take a few."""

_FIRST_COST = 4_000.0
_COST_WEIGHT = 0.05
_MEAN_WEIGHT = 0.02
_LEAST_SHARE = 1e-4
_DRAWS = 256
_MOST_PASSED = 1_000


class Sampling:
    """The sampling of one model's rows.

    Attributes:
        share: the share of the single rows that is seen now, 0 to 1.
        cost: what a row costs, in ns.
        offered: rows that were there to see.
        seen: rows that were seen.
    """

    __slots__ = (
        "_budget",
        "_credit",
        "_drawn",
        "_mean",
        "_offered_before",
        "_random",
        "_then",
        "cost",
        "offered",
        "seen",
        "share",
    )

    def __init__(self, budget: float) -> None:
        """Start with a burst.

        Args:
            budget: the share of the calls' time that the monitors may take, 0 to 1; at 1 every row is seen.
        """
        self._budget = budget
        self.cost = _FIRST_COST
        self.share = 1.0
        self.offered = self.seen = self._offered_before = 0
        self._mean = 0.0
        self._drawn: list[int] = []
        self._credit = BURST * self.cost
        self._then = perf_counter_ns()
        # Not the module's functions: they share their state with the host, whose seeded draws would change.
        self._random = Random()

    def next_skip(self) -> int:
        """How many single rows to pass over until the next one is seen."""
        if self.share >= 1:
            return 0
        if not self._drawn:
            share = self.share
            uniform = np.fromiter((self._random.random() for _ in range(_DRAWS)), float, _DRAWS)
            self._drawn = (np.log1p(-uniform) / np.log1p(-share)).astype(np.int64).tolist()
        return self._drawn.pop()

    def passed_over(self, rows: int, duration: int) -> int:
        """How many batches to pass over until the next one is seen: a random number, so that no rhythm is followed.

        Args:
            rows: number of rows in the batch before.
            duration: of its call, in ns.
        """
        lacking = min(rows, _FEWEST) * self.cost - self._credit
        earned = duration * self._budget
        if lacking <= 0 or earned <= 0:
            return 0
        return min(int(self._random.expovariate(1.0) * lacking / earned), _MOST_PASSED)

    def part_of(self, rows: int, duration: int) -> int:
        """How many rows of a batch to see.

        Args:
            rows: number of rows in the batch.
            duration: of the call, and of those passed over before it, in ns.
        """
        if self._budget >= 1:
            return rows
        now = perf_counter_ns()
        part = min(rows, int(self._credit / self.cost))
        if part < min(rows, _FEWEST):
            part = 0
        earned = duration * self._budget + (now - self._then) * _LEAST_RATE * self.cost
        self._credit = min(self._credit - part * self.cost + earned, BURST * self.cost)
        self._then = now
        return part

    def first_of(self, rows: int, part: int) -> tuple[int, int]:
        """Where in a batch a part of its rows begins, and the step from one to the next."""
        step = rows // part
        return self._random.randrange(rows - (part - 1) * step), step

    def spent(self, rows: int, nanoseconds: int, mean_duration: float) -> None:
        """Take what rows have cost.

        Args:
            rows: number of rows that were binned, at least 1.
            nanoseconds: what they took together.
            mean_duration: mean duration of the calls of single rows among them, in ns; 0 where there were none.
        """
        # A pause of the garbage collector inside the measurement is not the cost of a row.
        measured = nanoseconds / rows * _FACTOR
        self.cost += (min(measured, 8 * self.cost) - self.cost) * _COST_WEIGHT
        if mean_duration:
            self._mean += (mean_duration - self._mean) * (_MEAN_WEIGHT if self._mean else 1.0)
        self.share = self._affordable()

    def _affordable(self) -> float:
        now = perf_counter_ns()
        passed, offered = now - self._then, self.offered - self._offered_before
        if not self._mean or self._budget >= 1 or self.seen < BURST:
            return 1.0
        self._then, self._offered_before = now, self.offered
        least = _LEAST_RATE * passed / max(offered, 1)
        return min(1.0, max(self._budget * self._mean / self.cost, least, _LEAST_SHARE))
