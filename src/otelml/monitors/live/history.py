"""How the drift of a model's features went over time, coarser the longer it lasts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from otelml.semconv.attributes import DriftState

MOST_POINTS = 128
FEWEST_POINTS = 32
MOST_VALUES = 8_192
"""Points times features: many features have fewer points."""

_FIRST_INTERVAL = timedelta(seconds=5)
_STATES = (DriftState.WARMING_UP, DriftState.OK, DriftState.WARNING, DriftState.DRIFTED)


class Point(NamedTuple):
    """The checks of a model at one time.

    Attributes:
        time: in ISO 8601.
        rows: number of rows seen until then.
        scores: the corrected population stability index by feature; None before a window was complete.
        states: the state by feature, values of `ml.drift.state`.
    """

    time: str
    rows: int
    scores: tuple[float | None, ...]
    states: tuple[str, ...]


class _Kept(NamedTuple):
    """A point in 5 bytes a feature; a score that is not known is NaN."""

    time: str
    rows: int
    scores: npt.NDArray[np.float32]
    states: bytes


class History:
    """Bounded: when it is full, every second point is dropped, and from then on half as many are taken."""

    def __init__(self, points: Sequence[Sequence[Any]] = ()) -> None:
        """Go on from points as `points` has them.

        Raises:
            ValueError: a point is broken.
        """
        self._interval = _FIRST_INTERVAL
        self._kept = [_kept(Point(str(time), int(rows), *rest)) for time, rows, *rest in points][-MOST_POINTS:]

    @property
    def points(self) -> tuple[Point, ...]:
        """The points, the oldest first."""
        return tuple(
            Point(
                each.time,
                each.rows,
                tuple(None if score != score else round(score, 6) for score in each.scores.tolist()),
                tuple(_STATES[state] for state in each.states),
            )
            for each in self._kept
        )

    def add(self, point: Point) -> None:
        """Take a point, unless the last one is too recent."""
        if self._kept:
            passed = datetime.fromisoformat(point.time) - datetime.fromisoformat(self._kept[-1].time)
            if passed < self._interval:
                return
        self._kept.append(_kept(point))
        if len(self._kept) >= min(MOST_POINTS, max(FEWEST_POINTS, MOST_VALUES // max(len(point.states), 1))):
            del self._kept[1::2]
            self._interval *= 2


def _kept(point: Point) -> _Kept:
    scores = np.array([np.nan if score is None else score for score in point.scores], dtype=np.float32)
    return _Kept(point.time, point.rows, scores, bytes(_STATES.index(state) for state in point.states))
