"""Counts by hour and by weekday."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from otelml.monitors.reference import Reference
from tests.monitors.reference.tables import normal

START = datetime(2026, 1, 1)  # a Thursday
TIMES = [START + timedelta(hours=at) for at in range(2_000)]


@pytest.mark.parametrize("kind", ["hour", "weekday"])
def test_each_period_has_its_own_counts(kind: str) -> None:
    """Rows are counted in the period of their own time, and all periods together are the whole."""
    X = normal(2_000, 2)
    reference = Reference.build(X, times=TIMES, period=kind)
    periods = reference.periods
    assert periods is not None
    assert periods.counts.sum(0).tolist() == reference.counts.tolist()
    for period in range(len(periods.rows)):
        rows = [at for at, moment in enumerate(TIMES) if periods.of(moment) == period]
        assert periods.rows[period] == len(rows)
        assert periods.counts[period].tolist() == reference.bin(X[rows]).counts.tolist()


def test_a_column_may_hold_the_times() -> None:
    """The times may be a column of the table, with a time zone."""
    frame = pd.DataFrame(
        {"v": normal(2_000, 1).ravel(), "at": pd.to_datetime(TIMES, utc=True).tz_convert("Asia/Tokyo")}
    )
    periods = Reference.build(frame, times="at", period="hour").periods
    assert periods is not None
    wanted = Reference.build(frame, times=TIMES, period="hour").periods
    assert wanted is not None
    assert periods.rows.tolist() == wanted.rows.tolist()


def test_moments_are_taken_in_utc() -> None:
    """A moment of another zone belongs to the period that it has in UTC."""
    periods = Reference.build(normal(2_000, 1), times=TIMES, period="hour").periods
    assert periods is not None
    tokyo = timezone(timedelta(hours=9))
    assert periods.of(datetime(2026, 1, 1, 8, tzinfo=tokyo)) == 23
    assert periods.of(datetime(2026, 1, 1, 8)) == 8


@pytest.mark.parametrize(
    ("times", "period", "words"),
    [
        (None, "hour", "needs `times`"),
        (TIMES, "month", "no period 'month'"),
        (TIMES[:5], "hour", "5 times for 100 rows"),
        ("when", "hour", "no column 'when'"),
        (np.arange(100), "hour", "None of the times"),
    ],
)
def test_wrong_times_are_refused(times: object, period: str, words: str) -> None:
    """Times that are missing, too few or no dates are refused in words."""
    with pytest.raises(ValueError, match=words):
        Reference.build(normal(100, 1), times=times, period=period)


@pytest.mark.parametrize("most", [20_000, 60_000, 400_000])
@pytest.mark.parametrize("period", ["hour", "weekday"])
def test_the_limit_of_bytes_holds_for_all_periods(period: str, most: int) -> None:
    """With many features, those that fit are kept, and it shows how many are not."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(2_000, 120)), columns=[f"column {at}" for at in range(120)])
    frame.insert(0, "at", TIMES)
    reference = Reference.build(frame, period=period, max_bytes=most)
    taken = len(pickle.dumps(reference.to_dict()))
    assert taken < most + 6_000  # the dependence and the target have bounds of their own
    kept = len(reference.features)
    assert reference.omitted == 121 - kept
    assert kept == 121 or taken > 0.7 * most
    assert reference.periods is not None
    assert reference.periods.clock == 0


def test_times_may_lie_beyond_the_limit() -> None:
    """Where the column of times does not fit, training is counted by it, and live rows by when they came."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(2_000, 40)), columns=[f"column {at}" for at in range(40)]).assign(at=TIMES)
    reference = Reference.build(frame, period="hour", max_bytes=20_000)
    assert reference.periods is not None
    assert reference.periods.clock is None
    assert reference.periods.rows.tolist() == Reference.build(frame, period="hour").periods.rows.tolist()  # type: ignore[union-attr]


def test_a_table_without_times() -> None:
    """It is refused, or profiled without periods where that is asked for."""
    with pytest.raises(ValueError, match="needs `times`"):
        Reference.build(normal(100, 2), period="hour")
    assert Reference.build(normal(100, 2), period="hour", timeless=True).periods is None
