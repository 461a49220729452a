"""Counts by hour of the day or by weekday, for data that follow the clock."""

from __future__ import annotations

from dataclasses import dataclass
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
        counts: rows by period, feature and cell, int64 (P, F, C).
        rows: rows by period, int64 (P,).
    """

    kind: str
    counts: Counts
    rows: Counts

    def of(self, moment: datetime) -> int:
        """The period that a moment belongs to; a moment without a zone is taken as UTC."""
        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc)
        return moment.hour if self.kind == "hour" else moment.weekday()


def periods_of(reference: Reference, table: Table, times: Any, kind: str) -> Periods:
    """Count a table by period.

    Args:
        reference: whose cells are counted.
        table: the rows.
        times: when each row was taken, or the name of the column that says so.
        kind: `hour` or `weekday`.

    Raises:
        ValueError: no such kind or column, no times, or another number of times than rows.
    """
    if kind not in LENGTHS:
        raise ValueError(f"There is no period {kind!r}. There are: {', '.join(LENGTHS)}.")
    if times is None:
        raise ValueError(
            f"A reference by {kind} needs `times`: an array of datetimes, or the name of a column of them."
        )
    clock = _clock(table, times)
    period = _periods(clock, kind)
    shape = (LENGTHS[kind], *reference.counts.shape)
    counts = np.zeros(shape, dtype=np.int64)
    features, width = reference.counts.shape
    offset = np.arange(features, dtype=np.intp) * width
    for first in range(0, table.rows, _ROWS):
        codes = reference.bin_table(table.part(first, min(first + _ROWS, table.rows), 1), with_codes=True).codes
        assert codes is not None
        of_rows = period[first : first + len(codes)]
        for each in np.unique(of_rows[of_rows >= 0]):
            chosen = (codes[of_rows == each] + offset).ravel()
            counts[each] += np.bincount(chosen, minlength=features * width).reshape(features, width)
    rows = np.bincount(period[period >= 0], minlength=LENGTHS[kind]).astype(np.int64)
    return Periods(kind, counts, rows)


def _clock(table: Table, times: Any) -> Floats:
    if isinstance(times, str):
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


def _periods(seconds: Floats, kind: str) -> Codes:
    known = np.isfinite(seconds)
    whole: npt.NDArray[np.int64] = np.where(known, seconds, 0).astype(np.int64)
    # 1970-01-01 was a Thursday.
    period = whole // 3600 % 24 if kind == "hour" else (whole // 86400 + 3) % 7
    return np.where(known, period, -1).astype(np.intp)
