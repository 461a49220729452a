"""Counts by hour of the day or by weekday, for data that follow the clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.cells import as_numbers
from otelml.monitors.reference.layout import DATETIME, Codes, Counts, Floats
from otelml.monitors.reference.tables import Table, open_table

if TYPE_CHECKING:
    from otelml.monitors.reference.reference import Reference

LENGTHS = {"hour": 24, "weekday": 7}
_ROWS = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Counts of each period over the same cells.

    Attributes:
        kind: `hour` (of the day, 0 to 23) or `weekday` (0 is Monday), in UTC.
        counts: rows by period, feature and cell, whole numbers of any width, (P, F, C).
        rows: rows by period, int64 (P,).
        clock: number of the feature that says when a row was taken; None where that is not among them, so that of live
            rows it counts when they came.
    """

    kind: str
    counts: Counts
    rows: Counts
    clock: int | None = None

    def of(self, moment: datetime) -> int:
        """The period that a moment belongs to; a moment without a zone is taken as UTC."""
        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc)
        return moment.hour if self.kind == "hour" else moment.weekday()

    def with_rows(self, codes: Codes, period: Codes) -> Periods:
        """The same with further rows counted, too.

        Args:
            codes: the cell of each value, intp (n, F).
            period: of each row, intp (n,); rows of -1 are left out.
        """
        periods, features, width = self.counts.shape
        known = period >= 0
        cells = codes[known] + np.arange(features, dtype=np.intp) * width + period[known, None] * (features * width)
        counts = np.bincount(cells.ravel(), minlength=self.counts.size).reshape(self.counts.shape)
        return replace(
            self, counts=self.counts + counts, rows=self.rows + np.bincount(period[known], minlength=periods)
        )


def periods_of(reference: Reference, table: Table, times: Any, kind: str) -> Periods:
    """Count a table by period.

    Args:
        reference: whose cells are counted.
        table: the rows.
        times: when each row was taken, or the name or position of the column that says so; None where none does.
        kind: `hour` or `weekday`.

    Raises:
        ValueError: no such kind or column, no times, or another number of times than rows.
    """
    if kind not in LENGTHS:
        raise ValueError(f"There is no period {kind!r}. There are: {', '.join(LENGTHS)}.")
    if times is None:
        raise ValueError(f"A reference by {kind} needs `times`, an array of datetimes, or a column of them.")
    period = period_numbers(_seconds(table, times), kind)
    features, width = reference.counts.shape
    counted = Periods(
        kind,
        np.zeros((LENGTHS[kind], features, width), np.int64),
        np.zeros(LENGTHS[kind], np.int64),
        _clock_of(reference, times),
    )
    for first in range(0, table.rows, _ROWS):
        codes = reference.bin_table(table.part(first, min(first + _ROWS, table.rows), 1), with_codes=True).codes
        assert codes is not None
        counted = counted.with_rows(codes, period[first : first + len(codes)])
    return counted


def _clock_of(reference: Reference, times: Any) -> int | None:
    for at, feature in enumerate(reference.features):
        if feature.kind == DATETIME and isinstance(times, (str, int)) and times in (feature.name, feature.column):
            return at
    return None


def _seconds(table: Table, times: Any) -> Floats:
    if isinstance(times, int):
        column = table.column(times)
    elif isinstance(times, str):
        if table.names is None or times not in table.names:
            raise ValueError(f"There is no column {times!r} to take the times from.")
        column = table.column(table.names.index(times))
    else:
        column = open_table(times).column(0)
    seconds, _ = as_numbers(column, DATETIME)
    if len(seconds) != table.rows:
        raise ValueError(f"{len(seconds)} times for {table.rows} rows.")
    if np.isnan(seconds).all():
        raise ValueError("None of the times is a date. Give datetimes or `datetime64`.")
    return seconds


def period_numbers(seconds: Floats, kind: str) -> Codes:
    """The period of each moment, in seconds since 1970 (UTC), intp (n,); -1 of NaN."""
    known = np.isfinite(seconds)
    whole: npt.NDArray[np.int64] = np.where(known, seconds, 0).astype(np.int64)
    # 1970-01-01 was a Thursday.
    period = whole // 3600 % 24 if kind == "hour" else (whole // 86400 + 3) % 7
    return np.where(known, period, -1).astype(np.intp)
