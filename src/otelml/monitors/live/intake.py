"""What takes the rows of a model's calls, on the hot path: a few bytes are put aside, and counted in slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from otelml._guard import guarded
from otelml.monitors.live import chunks

if TYPE_CHECKING:
    from otelml.monitors.live.watch import Watch

_FLOAT = np.dtype(np.float64)


class RowIntake:
    """Takes the calls of one method of one model.

    The inputs of one method only are taken as the model's features: an application that calls `predict` and
    `predict_proba` on every row would have it counted twice. What every method returns is taken.
    """

    __slots__ = ("_method", "_one_row", "_outputs", "_passed", "_rows", "_sampling", "_watch", "skip")

    def __init__(self, watch: Watch, method: str, outputs: str) -> None:
        """Take calls for a watch.

        Args:
            watch: what the rows go to.
            method: the method, as the library names it.
            outputs: what the method returns: `LABELS`, `VALUES`, `PROBABILITIES` or `SCORES`.
        """
        self._watch = watch
        self._method = method
        self._outputs = watch.outputs.waiting[outputs]
        self._rows = watch.rows
        self._sampling = watch.sampling
        self.skip = 0
        self._passed = 0  # calls passed over before the next batch
        self._one_row = (1, watch.width)

    def __call__(self, arguments: Sequence[Any], keywords: Mapping[str, Any], result: Any, duration: int) -> None:
        """Take one call; a row of floats and one output cost a microsecond, everything else takes the longer way."""
        if self.skip > 0:
            self.skip -= 1
            return
        table = arguments[1] if len(arguments) > 1 else keywords.get("X")
        if type(table) is not np.ndarray or table.shape != self._one_row or table.dtype is not _FLOAT:
            self._take(table, result, duration)
            return
        watch = self._watch
        if watch.features_from is self._method or watch.wants_features(self._method):
            self._rows.append(table.tobytes())
            watch.durations.append(duration)
        if type(result) is np.ndarray:
            self._outputs.append(result.item() if result.size == 1 else result.copy())
        if self._sampling.share < 1:
            self.skip, self._passed = self._sampling.next_skip(), 0
        if len(watch.durations) >= watch.slice_rows:
            watch.settle()

    @guarded
    def _take(self, table: Any, result: Any, duration: int) -> None:
        watch, sampling = self._watch, self._sampling
        rows = chunks.row_count(table)
        if not rows:
            return
        if rows == 1 and sampling.share < 1:
            self.skip, self._passed = sampling.next_skip(), 0
        part = 1 if rows == 1 else self._part_of(rows, duration)
        if not part:
            return
        first, step = sampling.first_of(rows, part)
        if watch.wants_features(self._method):
            watch.add_chunk(chunks.taken(table, first, step, part), part)
            if rows == 1:
                watch.durations.append(duration)
        if isinstance(result, np.ndarray) and result.ndim and len(result) == rows:
            self._outputs.append(chunks.taken(result, first, step, part))
        watch.settle_if_full()

    def _part_of(self, rows: int, duration: int) -> int:
        sampling, calls = self._sampling, 1 + self._passed
        part = sampling.part_of(rows, duration * calls)
        if self._watch.features_from in (None, self._method):
            sampling.offered += rows * calls
        self.skip = self._passed = sampling.passed_over(rows, duration)
        return part
