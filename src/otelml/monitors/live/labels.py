"""The labels that a model is scored with, or goes on learning from, compared with those that it was trained with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from otelml._guard import guarded
from otelml.monitors.live import chunks
from otelml.monitors.live.streams import Stream
from otelml.monitors.reference.build import target_reference
from otelml.observations import DriftFinding
from otelml.semconv.attributes import DriftType

if TYPE_CHECKING:
    from otelml.monitors.live.watch import Watch

_MOST_ROWS = 10_000
"""Labels of one call that are taken; of more, evenly spaced ones."""


class LabelIntake:
    """Takes the labels of the calls of `score` of one model, or those of `partial_fit` of one that is served."""

    __slots__ = ("_find", "_waiting", "_watch", "skip")

    def __init__(self, find: Callable[[Any], Watch]) -> None:
        """Take calls.

        Args:
            find: the watch of a model; asked for with the first labels, since cross-validation has models scored that
                nobody is to watch.
        """
        self.skip = 0
        self._find = find
        self._watch: Watch | None = None
        self._waiting = 0

    @guarded
    def __call__(self, arguments: Sequence[Any], keywords: Mapping[str, Any], result: Any, duration: int) -> None:
        """Take one call: `score(X, y)` or `partial_fit(X, y)`."""
        labels = arguments[2] if len(arguments) > 2 else keywords.get("y")
        rows = chunks.row_count(labels)
        if not rows:
            return
        step = -(-rows // _MOST_ROWS)
        taken = np.array(chunks.taken(labels, 0, step, -(-rows // step)))
        if not taken.ndim:  # a container that NumPy takes for a single object
            return
        watch = self._watch = self._watch or self._find(arguments[0])
        watch.outputs.labels.append(taken)
        self._waiting += len(taken)
        if self._waiting >= watch.slice_rows:
            self._waiting = 0
            watch.settle()


class LabelStream(Stream):
    """Labels, compared with the target of the training data, or else with the first of them that were seen."""

    def __init__(self, reference_rows: int, options: Mapping[str, Any]) -> None:
        super().__init__(DriftType.LABEL, reference_rows, options)

    def update(self, outputs: list[Any], start: datetime, end: datetime) -> list[DriftFinding]:
        """Take further labels: arrays of shape (n,) or (n, outputs)."""
        if self.monitor is not None:
            return self._compared(self.monitor.reference.bin(_joined(outputs)), start, end)
        self._first.extend(outputs)
        if sum(map(len, self._first)) >= self._needed:
            self.watch(target_reference(_joined(self._first)))
            self._first.clear()
        return []


def _joined(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The labels of the same shape as the last."""
    return np.concatenate([part for part in parts if part.shape[1:] == parts[-1].shape[1:]])
