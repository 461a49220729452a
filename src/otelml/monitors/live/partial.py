"""The profile that grows with every part of the training data that `partial_fit` is given.

The first rows are all counted; of those after them, as many as the overhead budget pays for. A call may have a single
row and take 100 us, so rows are gathered: the profile on the model lacks 255 rows at most, or half of the first 1,000.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import Any, Final

import numpy as np

from otelml.monitors.live import chunks
from otelml.monitors.live.profiled import FIT, leave_reference
from otelml.monitors.live.sampling import Sampling
from otelml.monitors.reference import Reference

ALL_ROWS: Final = 10_000
"""Rows that are counted whatever it costs."""

_ROWS_FOR_BINS = 1_000
"""Rows that are kept as they are until the edges of the bins are settled."""

_ROWS_TOGETHER = 256
"""Rows that are counted together after that."""


class PartialIntake:
    """Takes the calls of `partial_fit` of one model."""

    __slots__ = ("_learn", "skip")

    def __init__(self, learn: Callable[[Sequence[Any], Mapping[str, Any], int], object]) -> None:
        """Take calls for a function, which is given arguments, keywords and the duration in ns."""
        self.skip = 0
        self._learn = learn

    def __call__(self, arguments: Sequence[Any], keywords: Mapping[str, Any], result: Any, duration: int) -> None:
        """Take one call."""
        self._learn(arguments, keywords, duration)


class GrowingReference:
    """The profile of what one model has learned from so far."""

    def __init__(self, earlier: Reference | None, build: Callable[[Any, Any], Reference], budget: float) -> None:
        """Start with nothing, or go on.

        Args:
            earlier: the profile that the model had before.
            build: makes a profile of a table and its target.
            budget: the share of the calls' time that this may take, 0 to 1.
        """
        self._settled = earlier  # whose bins stay
        self._build = build
        self._sampling = Sampling(budget)
        self._offered = 0  # rows
        self._to_pass = self._passed = 0  # calls
        self._built = 0  # rows that the last profile without settled bins was of
        self._forget()

    def add(self, model: object, table: Any, target: Any, duration: int) -> None:
        """Take the data of a call, and leave the profile on the model where it has grown enough.

        Args:
            model: the model.
            table: of any supported type.
            target: one for each row; None where there is none.
            duration: of the call, in ns.

        Raises:
            TypeError: no table, or a model that takes no attributes.
            ValueError: parts that do not go together. What had been gathered of them is lost.
        """
        if self._to_pass:
            self._to_pass -= 1
            return
        rows = chunks.row_count(table)
        part = self._part_of(rows, duration) if rows else 0
        if not rows or not part:
            return
        began = perf_counter_ns()
        try:
            self._take(table, target, part, *self._sampling.first_of(rows, part))
            if due := self._is_due():
                leave_reference(self._grown(), FIT, model, tell=False)
        except (TypeError, ValueError):
            self._forget()
            raise
        self._spent += perf_counter_ns() - began
        if due and self._settled is not None:
            self._sampling.spent(self._rows, self._spent, 0.0)
            self._forget()

    def _is_due(self) -> bool:
        return self._rows >= (2 * self._built if self._settled is None else _ROWS_TOGETHER)

    def _part_of(self, rows: int, duration: int) -> int:
        wanted = max(ALL_ROWS - self._offered, 0)
        self._offered += rows
        if rows <= wanted:
            return rows
        part = self._sampling.part_of(rows, duration * (1 + self._passed))
        self._to_pass = self._passed = self._sampling.passed_over(rows, duration)
        return max(part, wanted)

    def _take(self, table: Any, target: Any, part: int, first: int, step: int) -> None:
        self._tables.append(chunks.taken(table, first, step, part))
        labels = None if target is None else chunks.taken(target, first, step, part)
        self._targets.append(None if labels is None else np.array(labels))
        self._rows += part

    def _grown(self) -> Reference:
        table = chunks.joined(self._tables)
        targets = [target for target in self._targets if target is not None]
        target = np.concatenate(targets) if len(targets) == len(self._targets) else None
        if self._settled is not None:
            self._settled = self._settled.extended(table, target)
            return self._settled
        reference, self._built = self._build(table, target), self._rows
        if self._rows >= _ROWS_FOR_BINS:
            self._settled = reference
        return reference

    def _forget(self) -> None:
        self._tables: list[Any] = []
        self._targets: list[Any] = []
        self._rows = 0
        self._spent = 0  # ns on these rows
