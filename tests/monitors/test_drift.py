"""The drift monitor: what it finds, when, and in which words."""

from __future__ import annotations

import doctest
import pickle
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from otelml.monitors import DriftMonitor, Reference, drift
from otelml.observations import DriftFinding

Rows = npt.NDArray[np.float64]
NAMES = ["age", "income", "rate", "score"]
NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def rows(seed: int, number: int, *shift: float) -> Rows:
    """Four features, the first two correlated; the first of them shifted by so much."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(number, 4))
    values[:, 1] = 0.8 * values[:, 0] + 0.6 * values[:, 1]
    values[:, 2] = rng.exponential(size=number)
    values[:, : len(shift)] += shift
    return values


@pytest.fixture(scope="module")
def reference() -> Reference:
    """10,000 rows."""
    return Reference.build(rows(0, 10_000), feature_names=NAMES)


def told(findings: list[DriftFinding]) -> list[tuple[str | None, str, str]]:
    """Who changed from which state to which."""
    return [(finding.feature, finding.previous, finding.state) for finding in findings]


def test_examples_of_the_docstring() -> None:
    """The detection points in the documentation are exact."""
    result = doctest.testmod(drift)
    assert result.attempted > 5
    assert result.failed == 0


def missing(values: Rows) -> None:
    """A tenth of the second column is missing."""
    values[::10, 1] = np.nan


def wild(values: Rows) -> None:
    """A fiftieth of the second column is in another unit."""
    values[::50, 1] *= 1_000_000


def higher(values: Rows) -> None:
    """The second column is higher by half a standard deviation."""
    values[:, 1] += 0.5


def lower(values: Rows) -> None:
    """The second column is lower by half a standard deviation."""
    values[:, 1] -= 0.5


def spread(values: Rows) -> None:
    """The second column varies more."""
    values[:, 1] *= 1.6


@pytest.mark.parametrize(
    ("change", "method", "words"),
    [
        (missing, "beta_binomial", "more values are missing (10.00% of the rows instead of 0.00%)"),
        (wild, "beta_binomial", "more values lie outside of the known range"),
        (higher, "mann_whitney", "its values are higher, by 0."),
        (lower, "mann_whitney", "its values are lower, by 0."),
        (spread, "mood", "its values are more spread"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_change_is_named(reference: Reference, change: Callable[[Rows], None], method: str, words: str) -> None:
    """One finding names the feature, the test, the effect and the bins, in words."""
    values = rows(1, 1_000)
    change(values)
    monitor = DriftMonitor(reference, windows=(1_000,), dependence=False)
    (finding,) = monitor.update(values, start=NOON, end=NOON + timedelta(minutes=5))
    assert (finding.feature, finding.previous, finding.state, finding.method) == ("income", "ok", "drifted", method)
    assert words in finding.message
    assert finding.message.startswith("Feature 'income' has drifted: ")
    assert finding.score >= finding.threshold > 0
    assert finding.p_value is not None
    assert finding.p_value < 1e-4
    assert (finding.window_rows, finding.window_start) == (1_000, NOON)
    assert finding.window_end == NOON + timedelta(minutes=5)
    assert {"psi", "jensen_shannon", "ks", "wasserstein"} == set(finding.effects)
    assert 1 <= len(finding.moved) <= 3
    label, before, now = finding.moved[0]
    assert label in finding.message
    assert abs(now - before) == max(abs(each.live - each.reference) for each in finding.moved)


def test_moved_bins_are_shares(reference: Reference) -> None:
    """A bin that has lost all of its rows is told with its share before."""
    values = rows(1, 1_000)
    values[:, 1] = np.where(values[:, 1] < -1.5, 0.0, values[:, 1])
    (finding,) = DriftMonitor(reference, windows=(1_000,), dependence=False).update(values)
    lost = [each for each in finding.moved if each.live == 0]
    assert len(lost) == 1
    assert lost[0].reference == pytest.approx(0.05, abs=0.001)


def test_nothing_is_said_of_rows_like_the_reference(reference: Reference) -> None:
    """10,000 rows in three lengths."""
    monitor = DriftMonitor(reference)
    assert monitor.update(rows(5, 10_000)) == []
    assert {state.state for state in monitor.states} == {"ok"}


def test_batches_of_any_size_say_the_same(reference: Reference) -> None:
    """Windows end at the same rows, however these come."""
    values = rows(2, 3_000)
    values[1_500:, 0] += 0.4
    whole, pieces = DriftMonitor(reference), DriftMonitor(reference)
    expected = whole.update(values)
    found = [finding for first in range(0, 3_000, 77) for finding in pieces.update(values[first : first + 77])]
    assert expected != []
    assert found == expected


def test_a_small_lasting_shift_is_found_by_accumulation() -> None:
    """A tenth of a standard deviation: rarely by windows of 200 rows, always by one of 10,000."""
    short, long = 0, 0
    for seed in range(12):
        reference = Reference.build(rows(seed, 10_000))
        shifted = rows(seed + 100, 10_000, 0.1)
        short += any(each.feature == "x0" for each in DriftMonitor(reference, windows=(200,)).update(shifted))
        long += any(each.feature == "x0" for each in DriftMonitor(reference, windows=(200, 10_000)).update(shifted))
    assert short <= 6
    assert long == 12


def test_warming_up(reference: Reference) -> None:
    """Before the first window is complete nothing is said, whatever comes."""
    monitor = DriftMonitor(reference, windows=(500,))
    assert monitor.update(rows(3, 499) + 5) == []
    before = monitor.warming_up
    assert {state.state for state in monitor.states} == {"warming_up"}
    assert monitor.scores == {}
    assert monitor.update(rows(4, 1) + 5) != []
    assert (before, monitor.warming_up) == (True, False)
    assert set(monitor.scores) == set(NAMES)
    assert min(monitor.scores.values()) > 1


def test_a_reference_of_a_few_rows_says_nothing() -> None:
    """49 rows are no reference."""
    monitor = DriftMonitor(Reference.build(rows(0, 49)), windows=(200,))
    assert monitor.update(rows(3, 400) + 5) == []
    assert monitor.warming_up


def test_significant_but_small_is_a_warning(reference: Reference) -> None:
    """0.15 standard deviations are no drift by default, and are one for who asks."""
    values = rows(7, 10_000, 0.15)
    by_default = DriftMonitor(reference, windows=(10_000,), dependence=False).update(values)
    strict = DriftMonitor(reference, windows=(10_000,), dependence=False, minimum_effect=0.01).update(values)
    assert told(by_default) == [("age", "ok", "warning")]
    assert "has changed a little" in by_default[0].message
    assert by_default[0].score < by_default[0].threshold == 0.1
    assert told(strict) == [("age", "ok", "drifted")]


def test_a_state_falls_after_calm_windows(reference: Reference) -> None:
    """Up at once, down after two calm windows in a row; a change in between starts the count again."""
    monitor = DriftMonitor(reference, windows=(500,), dependence=False)
    plan = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    seen = [told(monitor.update(rows(20 + at, 500, shift))) for at, shift in enumerate(plan)]
    assert seen == [[], [("age", "ok", "drifted")], [], [], [], [("age", "drifted", "ok")], []]
    assert monitor.update(rows(50, 500)) == []


def test_a_finding_of_calm_says_so(reference: Reference) -> None:
    """The way back is told in words, too."""
    monitor = DriftMonitor(reference, windows=(500,), dependence=False, calm_windows=1)
    monitor.update(rows(20, 500, 1.0))
    (finding,) = monitor.update(rows(21, 500))
    assert finding.message == "Feature 'age' is back to the reference. Compared: 500 rows."


def test_sliding_windows_find_sooner(reference: Reference) -> None:
    """A window of 1,000 rows that slides by 250 has seen enough of a change before a tumbling one ends."""
    values = rows(9, 4_000)
    values[2_100:, 0] += 0.6

    def first(steps: int) -> int:
        monitor = DriftMonitor(reference, windows=(1_000,), steps=steps, dependence=False)
        return next(at for at in range(0, 4_000, 50) if monitor.update(values[at : at + 50])) + 50

    assert (first(1), first(4)) == (3_000, 2_500)


def test_a_sliding_window_holds_its_length(reference: Reference) -> None:
    """Neither more rows nor less."""
    monitor = DriftMonitor(reference, windows=(1_000,), steps=4, dependence=False, calm_windows=1)
    findings = monitor.update(np.concatenate([rows(10, 1_500), rows(11, 1_000, 2.0), rows(12, 2_000)]))
    assert {finding.window_rows for finding in findings} == {1_000}
    assert [finding.state for finding in findings] == ["drifted", "ok"]


def test_windows_by_time(reference: Reference) -> None:
    """A window ends with the first rows an hour after its first, and waits until it has 50."""
    monitor = DriftMonitor(reference, windows=(timedelta(hours=1),), dependence=False)
    found = []
    for minute in range(0, 121, 10):
        at = NOON + timedelta(minutes=minute)
        found.append(monitor.update(rows(minute, 40, 1.0), start=at, end=at))
    assert [len(each) for each in found] == [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert (found[6][0].window_start, found[6][0].window_end) == (NOON, NOON + timedelta(hours=1))
    assert found[6][0].window_rows == 280
    slow = DriftMonitor(reference, windows=(timedelta(hours=1),), dependence=False)
    slow.update(rows(1, 25) + 1.0, start=NOON, end=NOON)
    assert slow.update(rows(2, 24) + 1.0, start=NOON, end=NOON + timedelta(hours=2)) == []
    assert slow.update(rows(3, 1) + 1.0, start=NOON, end=NOON + timedelta(hours=3)) != []


def test_lost_dependence_is_found(reference: Reference) -> None:
    """Two features are shuffled against each other; neither has changed by itself."""
    values = rows(30, 1_000)
    values[:, 1] = np.random.default_rng(0).permutation(values[:, 1])
    (finding,) = DriftMonitor(reference, windows=(1_000,)).update(values)
    assert (finding.type, finding.feature, finding.method) == ("dependence", None, "rank_correlation")
    assert finding.state == "drifted"
    assert "the rank correlation of 'age' and 'income' is " in finding.message
    assert " instead of 0.7" in finding.message
    assert DriftMonitor(reference, windows=(1_000,), dependence=False).update(values) == []


def test_a_drifted_feature_is_no_changed_dependence(reference: Reference) -> None:
    """What moves by itself is told once."""
    values = rows(31, 1_000)
    values[:, 0] = 4 * np.random.default_rng(0).permutation(values[:, 0])
    assert {finding.type for finding in DriftMonitor(reference, windows=(1_000,)).update(values)} == {"feature"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"windows": ()},
        {"windows": (20,)},
        {"windows": (timedelta(0),)},
        {"steps": 0},
        {"calm_windows": 0},
        {"false_alarm_rate": 0.0},
        {"false_alarm_rate": 1.5},
        {"false_alarms_per_day": 0.0},
        {"minimum_effect": 0.0},
        {"minimum_rate": -1.0},
    ],
    ids=repr,
)
def test_arguments_out_of_range(reference: Reference, arguments: dict[str, Any]) -> None:
    """The message names the argument."""
    with pytest.raises(ValueError, match=next(iter(arguments))):
        DriftMonitor(reference, **arguments)


def test_pickled_monitor_goes_on(reference: Reference) -> None:
    """A monitor can be moved to another process in the middle of a window."""
    values = rows(2, 2_000, 0.5)
    monitor = DriftMonitor(reference, windows=(1_000,))
    monitor.update(values[:700])
    moved: DriftMonitor = pickle.loads(pickle.dumps(monitor))
    assert moved.update(values[700:]) == monitor.update(values[700:]) != []


def test_scores_are_of_the_window_that_found_the_state() -> None:
    """A change that a short window has found is told by its size there, not by the long window from before it."""
    rng = np.random.default_rng(1)
    monitor = DriftMonitor(Reference.build(rng.normal(size=(10_000, 3))), windows=(200, 2_000))
    monitor.update(rng.normal(size=(2_000, 3)))
    monitor.update(rng.normal([0, 1, 0], size=(600, 3)))
    first, second, third, _ = monitor.states
    assert [first.state, second.state, third.state] == ["ok", "drifted", "ok"]
    assert second.scores["psi"] > 0.5
    assert max(first.scores["psi"], third.scores["psi"]) < 0.05
    assert [window and window.rows for window in monitor.deciding_windows] == [2_000, 200, 2_000, 2_000]
