"""What the drift monitor makes of odd input, of little memory, and of a restart."""

from __future__ import annotations

import json
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from otelml.monitors import DriftMonitor, Reference
from otelml.monitors.alarms import DailyBudget
from tests.monitors.test_drift import NAMES, rows, told


@pytest.fixture(scope="module")
def reference() -> Reference:
    """10,000 rows of four features."""
    return Reference.build(rows(0, 10_000), feature_names=NAMES)


def test_no_rows_and_one_row(reference: Reference) -> None:
    """Neither says anything; the one row is counted."""
    monitor = DriftMonitor(reference, windows=(50,))
    assert monitor.update(np.empty((0, 4))) == []
    for row in rows(1, 49):
        assert monitor.update(row[None, :]) == []
        assert monitor.warming_up
    monitor.update(rows(2, 1))
    assert not monitor.warming_up


def test_a_column_without_any_value(reference: Reference) -> None:
    """All missing where none was: drifted, without a warning of numpy's."""
    values = rows(1, 200)
    values[:, 2] = np.nan
    findings = DriftMonitor(reference, windows=(200,), dependence=False).update(values)
    assert [(each.feature, each.state) for each in findings] == [("rate", "drifted")]
    assert "more values are missing (100.00% of the rows instead of 0.00%)" in findings[0].message


@pytest.mark.parametrize("value", [np.nan, 3.5], ids=["missing", "constant"])
def test_a_column_that_never_varied(value: float) -> None:
    """No test of a distribution has an answer; that it stays so is no drift, that it changes is one."""
    training = rows(0, 2_000)
    training[:, 1] = value
    monitor = DriftMonitor(Reference.build(training, feature_names=NAMES), windows=(200,), dependence=False)
    live = rows(1, 200)
    live[:, 1] = value
    assert monitor.update(live) == []
    assert told(monitor.update(rows(2, 200))) == [("income", "ok", "drifted")]


def test_a_column_that_has_vanished(reference: Reference) -> None:
    """What is not there is not judged."""
    pandas = pytest.importorskip("pandas")
    monitor = DriftMonitor(reference, windows=(200,))
    frame = pandas.DataFrame(rows(1, 400), columns=NAMES)
    assert monitor.update(frame.drop(columns="income")) == []
    assert {state.state for state in monitor.states} == {"ok"}


def test_infinite_values(reference: Reference) -> None:
    """They are out of range, on their side."""
    values = rows(1, 200)
    values[::20, 0] = np.inf
    (finding,) = DriftMonitor(reference, windows=(200,), dependence=False).update(values)
    assert "more values lie outside of the known range (5.00% of the rows instead of 0.00%)" in finding.message


def test_counted_rows_and_binned_rows_say_the_same(reference: Reference) -> None:
    """The ways in differ in what they are given only."""
    values = rows(3, 400, 0, 0, 0, 1.0)
    by_rows, by_counts, by_bins = (DriftMonitor(reference, windows=(200,), dependence=False) for _ in range(3))
    expected = by_rows.update(values[:200]) + by_rows.update(values[200:])
    assert expected != []
    counted = [by_counts.update_counts(reference.bin(part).counts, 200) for part in (values[:200], values[200:])]
    binned = [by_bins.update_binned(reference.bin(part)) for part in (values[:200], values[200:])]
    assert [*counted[0], *counted[1]] == [*binned[0], *binned[1]] == expected


def test_counts_are_not_kept(reference: Reference) -> None:
    """The caller may use its array again."""
    monitor = DriftMonitor(reference, windows=(200,), dependence=False)
    counts = reference.bin(rows(3, 200)).counts
    assert monitor.update_counts(counts, 200) == []
    kept = monitor.scores
    counts[:] = 0
    assert monitor.scores == kept


def test_reset_is_a_new_monitor(reference: Reference) -> None:
    """Nothing of before is left."""
    monitor = DriftMonitor(reference)
    monitor.update(rows(1, 900) + 1.0)
    monitor.reset()
    fresh = DriftMonitor(reference)
    assert monitor.states == fresh.states
    assert repr(monitor.snapshot()) == repr(fresh.snapshot())
    values = rows(2, 1_100, 0.4)
    assert monitor.update(values) == fresh.update(values) != []


@pytest.mark.parametrize("steps", [1, 4])
def test_a_snapshot_survives_a_restart(reference: Reference, steps: int) -> None:
    """A restored monitor says what the first one goes on to say; the snapshot is pickled in between."""
    first = DriftMonitor(reference, windows=(200, 1_000, timedelta(hours=1)), steps=steps)
    at = datetime(2026, 11, 22, tzinfo=timezone.utc)
    for number in range(37):
        first.update(rows(number, 70), start=at, end=at + timedelta(minutes=number))
    stored = pickle.loads(pickle.dumps(first.snapshot()))
    second = DriftMonitor(reference, windows=(200, 1_000, timedelta(hours=1)), steps=steps)
    second.restore(stored)
    assert second.states == first.states
    for number in range(37, 90):
        values = rows(number, 70, 0.5)
        end = at + timedelta(minutes=number)
        assert second.update(values, start=end, end=end) == first.update(values, start=end, end=end)
    assert any(state.state == "drifted" for state in first.states)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("version", 2, "version is 2, but 1 was expected"),
        ("features", ["a"], "features is"),
        ("lengths", ["200"], "lengths is"),
        ("steps", 3, "steps is 3"),
        ("windows", [], "snapshot of a drift monitor"),
        ("windows", None, "snapshot of a drift monitor"),
        ("tracker", {}, "methods"),
    ],
)
def test_a_foreign_snapshot_is_refused(reference: Reference, field: str, value: Any, message: str) -> None:
    """The message names the field, and the monitor is as new."""
    monitor = DriftMonitor(reference)
    monitor.update(rows(1, 700) + 1.0)
    stored = {**monitor.snapshot(), field: value}
    with pytest.raises(ValueError, match=message):
        monitor.restore(stored)
    assert monitor.warming_up
    assert {state.state for state in monitor.states} == {"warming_up"}


def test_a_snapshot_of_other_bins_is_refused(reference: Reference) -> None:
    """Counts of another shape would be nonsense."""
    coarse = Reference.build(rows(0, 10_000), feature_names=NAMES, bins=5)
    with pytest.raises(ValueError, match="counts has shape"):
        DriftMonitor(reference).restore(DriftMonitor(coarse).snapshot())


@pytest.mark.parametrize(("steps", "bytes_a_cell"), [(1, 16), (4, 34)])
def test_memory_is_bounded(steps: int, bytes_a_cell: int) -> None:
    """Three lengths keep 12 bytes a cell, 18 more in steps, and it does not grow with the rows."""
    reference = Reference.build(rows(0, 3_000).repeat(25, axis=1))
    features, cells = reference.counts.shape
    assert (features, cells) == (100, 24)
    own = len(pickle.dumps(reference))

    def kept(number: int) -> int:
        monitor = DriftMonitor(reference, steps=steps, dependence=False)
        codes = reference.bin(rows(1, 500).repeat(25, axis=1))
        for _ in range(number):
            monitor.update_binned(codes)
        return len(pickle.dumps(monitor)) - own

    small, large = kept(30), kept(100)
    assert large <= bytes_a_cell * features * cells + 200 * features + 10_000
    assert large == pytest.approx(small, abs=2_000)


def test_false_alarms_of_a_day_are_bounded() -> None:
    """Ten thousand windows a day spend a day's budget; ten a day have their usual rate."""
    start = datetime(2026, 11, 22, tzinfo=timezone.utc)
    busy, quiet = DailyBudget(0.1), DailyBudget(0.1)
    per_day = 10_000
    spent = [busy.spend(0.001, start + timedelta(days=at / per_day)) for at in range(20 * per_day)]
    assert sum(spent) <= 21 * 0.1
    assert sum(spent[10 * per_day :]) == pytest.approx(10 * 0.1, rel=1e-3)
    assert spent[:10] == [0.001] * 10
    assert [quiet.spend(0.001, start + timedelta(days=at / 10)) for at in range(300)] == [0.001] * 300


def test_windows_without_time_have_their_usual_rate() -> None:
    """A batch job that replays a year in a second is judged as always; so is who sets no limit."""
    budget, unlimited = DailyBudget(0.1), DailyBudget(None)
    now = datetime(2026, 11, 22, tzinfo=timezone.utc)
    assert [budget.spend(0.01, None) for _ in range(1_000)] == [0.01] * 1_000
    assert [unlimited.spend(0.01, now) for _ in range(1_000)] == [0.01] * 1_000


def test_a_fast_stream_raises_the_bar(reference: Reference) -> None:
    """Once a day's budget is spent in a minute, a small window needs more evidence, and a large change still has it."""
    monitor = DriftMonitor(reference, windows=(200,), dependence=False, false_alarms_per_day=0.01)
    now = datetime(2026, 11, 22, tzinfo=timezone.utc)
    for number in range(40):
        monitor.update(rows(number, 200), start=now, end=now)
    slight = rows(7, 200, 0.37)
    assert DriftMonitor(reference, windows=(200,), dependence=False).update(slight) != []
    assert monitor.update(slight, start=now, end=now) == []
    assert told(monitor.update(rows(91, 200, 1.2), start=now, end=now)) == [("age", "ok", "drifted")]


def test_states_are_plain(reference: Reference) -> None:
    """Whoever reports them needs no numpy."""
    monitor = DriftMonitor(reference)
    monitor.update(rows(1, 1_000))
    assert json.loads(json.dumps([state._asdict() for state in monitor.states]))[0]["state"] == "ok"
    assert [state.feature for state in monitor.states] == [*NAMES, None]


def test_the_reference_may_depend_on_the_hour() -> None:
    """What is usual at noon is drift at night; a window over both is compared with the mixture."""
    rng = np.random.default_rng(0)
    hours = rng.integers(0, 24, 48_000)
    daily = np.sin(hours / 24 * 2 * np.pi) * 3
    midnight = datetime(2026, 11, 1, tzinfo=timezone.utc)
    times = np.array([midnight + timedelta(hours=int(hour)) for hour in hours], dtype=object)
    values = (rng.normal(size=48_000) + daily)[:, None]
    hourly = Reference.build(values, times=times, period="hour")
    plain = Reference.build(values)

    def day(reference: Reference, shift: float) -> list[Any]:
        monitor = DriftMonitor(reference, windows=(500,), false_alarms_per_day=None)
        generator, found = np.random.default_rng(1), []
        for quarter in range(24 * 4):
            at = midnight + timedelta(minutes=15 * quarter)
            usual = np.sin(at.hour / 24 * 2 * np.pi) * 3
            batch = generator.normal(size=(90, 1)) + usual + shift
            found += monitor.update(batch, start=at, end=at)
        return found

    assert day(hourly, 0.0) == []
    assert [finding.state for finding in day(plain, 0.0)] == ["drifted"]
    assert day(hourly, 0.6)[0].state == "drifted"
