"""How the drift of a model's features went over time, coarser the longer it lasts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

MOST_POINTS = 256
_FIRST_INTERVAL = timedelta(seconds=5)


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


class History:
    """Bounded: when it is full, every second point is dropped, and from then on half as many are taken."""

    def __init__(self, points: Sequence[Sequence[Any]] = ()) -> None:
        self._interval = _FIRST_INTERVAL
        self._points = [
            Point(str(time), int(rows), tuple(scores), tuple(states)) for time, rows, scores, states in points
        ][-MOST_POINTS:]

    @property
    def points(self) -> tuple[Point, ...]:
        """The points, the oldest first."""
        return tuple(self._points)

    def add(self, point: Point) -> None:
        """Take a point, unless the last one is too recent."""
        if self._points:
            passed = datetime.fromisoformat(point.time) - datetime.fromisoformat(self._points[-1].time)
            if passed < self._interval:
                return
        self._points.append(point)
        if len(self._points) >= MOST_POINTS:
            del self._points[1::2]
            self._interval *= 2
