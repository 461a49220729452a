"""The data-quality monitor finds broken data, says so once, and says when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from otelml.monitors.data_quality import CHECKS, MOST_FINDINGS, DataQualityMonitor
from otelml.monitors.reference import Reference

START = 1_790_000_000.0
"""A moment in September 2026, in seconds since 1970."""


def numbers(rows: int, seed: int, columns: int = 4) -> npt.NDArray[np.float64]:
    """Normal columns."""
    return np.random.default_rng(seed).normal(size=(rows, columns))


def table(rows: int, seed: int) -> pd.DataFrame:
    """A table with a number, a category and a time."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": rng.normal(size=rows),
            "plan": rng.choice(["basic", "plus"], rows, p=[0.8, 0.2]),
            "at": pd.to_datetime((START + rng.uniform(0, 3_600, rows)) * 1e9),
        }
    )


@pytest.fixture(scope="module")
def reference() -> Reference:
    """The profile of `table`."""
    return Reference.build(table(5_000, 0))


def faults(change: Callable[[pd.DataFrame], Any], reference: Reference) -> list[tuple[str, str | None, str, int]]:
    """What is found in a window that somebody has broken, and in the clean one after it."""
    monitor = DataQualityMonitor(reference, clock=lambda: START + 4_000)
    live = table(1_000, 1)
    assert monitor.update(live) == []
    broken = live.copy()
    changed = change(broken)
    found = monitor.update(broken if changed is None else changed)
    found += monitor.update(table(1_000, 2))
    return [(finding.check, finding.feature, finding.result, finding.violations) for finding in found]


def put(column: str, rows: int, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Set the first rows of a column."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].astype(object)
        values.iloc[:rows] = value
        return frame.assign(**{column: values})

    return change


@pytest.mark.parametrize(
    ("change", "check", "feature", "violations"),
    [
        (put("amount", 40, None), "not_null", "amount", 40),
        (put("plan", 40, np.nan), "not_null", "plan", 40),
        (put("amount", 20, 1_000.0), "range", "amount", 20),
        (put("amount", 20, -1_000.0), "range", "amount", 20),
        (put("plan", 20, "gold"), "category", "plan", 20),
        (put("amount", 1, "7.5"), "type", "amount", 1),
        (put("plan", 1, 7.5), "type", "plan", 1),
        (put("at", 1_000, "2026-09-21"), "type", "at", 1_000),
        (put("amount", 1, np.inf), "finite", "amount", 1),
        (put("amount", 1_000, 0.5), "constant", "amount", 1_000),
        (put("plan", 1_000, "plus"), "constant", "plan", 1_000),
        (lambda frame: frame[["plan", "at"]], "schema", None, 1),
        (lambda frame: frame.assign(more=1.0), "schema", None, 1),
        (lambda frame: frame[["plan", "amount", "at"]], "schema", None, 1),
        (lambda frame: frame.rename(columns={"plan": "tariff"}), "schema", None, 1),
        (lambda frame: frame.assign(at=frame["at"] - pd.Timedelta(days=2)), "freshness", "at", 1_000),
    ],
)
def test_each_fault_is_found_and_over(
    reference: Reference, change: Callable[[pd.DataFrame], Any], check: str, feature: str | None, violations: int
) -> None:
    """A fault makes its own check fail, once, and nothing else; the next clean window passes."""
    assert faults(change, reference) == [(check, feature, "fail", violations), (check, feature, "pass", 0)]


def test_repeated_rows(reference: Reference) -> None:
    """A client that sends the same rows again and again is found, also when they come one by one."""
    monitor = DataQualityMonitor(reference)
    row = table(1, 5)
    found = [finding for _ in range(1_024) for finding in monitor.update(row) if finding.check == "unique"]
    assert [(finding.result, finding.violations, finding.rows) for finding in found] == [("fail", 765, 768)]
    assert "repeat another one" in found[0].message


def test_repeated_rows_of_training_are_no_fault() -> None:
    """Where training rows repeat each other by nature, live ones may, too."""
    rng = np.random.default_rng(0)
    monitor = DataQualityMonitor(Reference.build(rng.integers(0, 3, size=(5_000, 2))))
    assert monitor.update(rng.integers(0, 3, size=(1_024, 2))) == []


def test_repeated_rows_in_batches_of_any_size(reference: Reference) -> None:
    """Blocks are filled across batches: two copies of a row are found though no batch holds both."""
    monitor = DataQualityMonitor(reference, window=1_024)
    found = []
    for seed in range(8):
        batch = table(100, seed)
        found += [*monitor.update(batch.iloc[:70]), *monitor.update(batch)]
    unique = [finding for finding in found if finding.check == "unique"]
    assert [finding.rows for finding in unique] == [1_024]
    assert 300 < unique[0].violations <= 420


def test_some_more_repeated_rows_are_no_fault() -> None:
    """A few points more than in training are within the tolerance, however sure they are."""
    X = numbers(20_000, 0)
    X[::5] = 0.0
    monitor = DataQualityMonitor(Reference.build(X), window=20_480)
    live = numbers(20_480, 1)
    live[np.random.default_rng(0).random(20_480) < 0.23] = 0.0
    assert monitor.update(live) == []
    live[np.random.default_rng(0).random(20_480) < 0.3] = 0.0
    assert "unique" in {finding.check for finding in monitor.update(live)}


def test_a_rare_value_may_be_absent() -> None:
    """A column with a rare value is not called constant because a window happens to lack it."""
    X = np.zeros((10_000, 1))
    X[::1_000] = 1.0
    monitor = DataQualityMonitor(Reference.build(X))
    assert monitor.update(np.zeros((1_000, 1))) == []


def test_messages_say_what_is_wrong(reference: Reference) -> None:
    """A finding names the feature, the rate, the number of rows and the rate in training, and its limit."""
    monitor = DataQualityMonitor(reference)
    finding = monitor.update(put("plan", 40, "gold")(table(1_000, 1)))[0]
    assert finding.message == (
        "'plan': 4.0% of 1,000 values are of a category that training has not seen often enough to list; "
        "in training 0.0%."
    )
    assert (finding.observed, finding.expected, finding.rows) == (0.04, 0.005, 1_000)
    renamed = monitor.update(table(10, 1).rename(columns={"plan": "tariff"}))[0]
    assert renamed.message == "The columns are not those of training; renamed: 'plan' is now 'tariff'."


def test_changed_columns_are_told_at_once_and_once(reference: Reference) -> None:
    """A column that vanishes is told with the first batch; another change while it lasts is told, too."""
    monitor = DataQualityMonitor(reference)
    frame = table(10, 1)
    assert len(monitor.update(frame[["plan", "at"]])) == 1
    assert monitor.update(frame[["plan", "at"]]) == []
    assert len(monitor.update(frame[["at"]])) == 1
    assert monitor.update(frame) == []
    assert monitor.failing == (("schema", None),)


def test_a_failing_check_does_not_flicker(reference: Reference) -> None:
    """A check that fails goes on failing, without a second finding, until the rate is back under its tolerance."""
    monitor = DataQualityMonitor(reference, window=50)
    monitor.update(put("amount", 100, None)(table(1_000, 1)))
    few = put("amount", 1, None)(table(50, 2))  # 2% of so few rows are above the tolerance, but no evidence
    assert DataQualityMonitor(reference, window=50).update(few) == []
    assert monitor.update(few) == []
    assert monitor.failing == (("not_null", "amount"),)
    assert [finding.result for finding in monitor.update(table(1_000, 3))] == ["pass"]


def test_windows_end_by_rows_and_by_time(reference: Reference) -> None:
    """Rows are judged when the window is full, or after a time if there are enough of them."""
    now = [START]
    monitor = DataQualityMonitor(reference, window=300, seconds=60, clock=lambda: now[0])
    assert [len(monitor.update(put("amount", 40, None)(table(100, seed)))) for seed in range(3)] == [0, 0, 1]
    monitor.reset()
    assert monitor.update(put("amount", 40, None)(table(100, 1))) == []
    now[0] += 61
    assert len(monitor.update(table(1, 1))) == 1
    assert monitor.warming_up is False


def test_counts_add_up(reference: Reference) -> None:
    """Windows that passed and failed, and violations, are counted by check since the start."""
    monitor = DataQualityMonitor(reference, clock=lambda: START)
    monitor.update(table(1_000, 1))
    monitor.update(put("amount", 40, None)(table(1_000, 2)))
    monitor.update(put("amount", 50, None)(table(1_000, 3)))
    counts = {count.check: count for count in monitor.counts}
    assert list(counts) == list(CHECKS)
    assert counts["not_null"][1:] == (1, 2, 90)
    assert counts["range"][1:] == (3, 0, 0)


def test_findings_are_capped() -> None:
    """If hundreds of columns break at once, the worst are told one by one and the rest in one sentence."""
    X = numbers(2_000, 0, columns=200)
    monitor = DataQualityMonitor(Reference.build(X))
    found = [finding for finding in monitor.update(np.full((1_000, 200), np.nan)) if finding.check == "not_null"]
    assert len(found) == MOST_FINDINGS + 1
    assert found[-1].message == "180 more features fail the check not_null."
    assert len([check for check, _ in monitor.failing if check == "not_null"]) == 200


@pytest.mark.parametrize("seconds", [0, 40 * 365 * 86_400])
def test_old_dates_are_no_stale_timestamps(seconds: float) -> None:
    """A date of birth is never fresh, so it is never stale; a time that was always now is."""
    ages = np.random.default_rng(0).uniform(0, seconds + 60, 2_000)
    now = [START]

    def rows() -> dict[str, Any]:
        return {"when": ((now[0] - ages) * 1e6).astype("datetime64[us]")}

    monitor = DataQualityMonitor(Reference.build(rows()), clock=lambda: now[0])
    stopped = rows()
    monitor.update(stopped)
    now[0] += 3 * 86_400
    found = [finding.check for finding in monitor.update(stopped)]
    assert found == (["freshness"] if not seconds else [])


def test_an_age_can_be_set_for_a_column() -> None:
    """A column with a limit of its own is watched from the start."""
    times = ((START - np.arange(1_000)) * 1e6).astype("datetime64[us]")
    monitor = DataQualityMonitor(Reference.build({"at": times}), ages={"at": 60}, clock=lambda: START + 120)
    assert monitor.update({"at": times})[0].message == (
        "'at': the newest of 1,000 timestamps is 2 minutes old; at most 60 seconds is expected."
    )


def test_the_state_survives_a_restart(reference: Reference) -> None:
    """A monitor that is restored from JSON goes on as the one that was stored."""
    clock = lambda: START + 4_000  # noqa: E731
    monitor, other = DataQualityMonitor(reference, clock=clock), DataQualityMonitor(reference, clock=clock)
    monitor.update(put("amount", 40, None)(table(1_000, 1)))
    monitor.update(put("amount", 400, None)(table(500, 2)))
    stored = json.loads(json.dumps(monitor.snapshot(), default=lambda value: value.tolist()))
    other.restore(stored)
    assert other.failing == monitor.failing
    assert other.counts == monitor.counts
    rest = table(500, 3)
    assert other.update(rest) == monitor.update(rest)
    assert other.counts == monitor.counts


@pytest.mark.parametrize("broken", [{}, {"window": 3}, {"window": {"counts": [[1]]}}])
def test_a_broken_state_is_refused(reference: Reference, broken: dict) -> None:
    """A stored state of something else is a `ValueError`, and leaves the monitor as new."""
    monitor = DataQualityMonitor(reference)
    with pytest.raises(ValueError, match="broken"):
        monitor.restore(broken)
    assert monitor.warming_up


def test_reset_equals_new(reference: Reference) -> None:
    """After `reset`, a monitor says what a new one says."""
    used, new = DataQualityMonitor(reference), DataQualityMonitor(reference)
    used.update(put("amount", 40, None)(table(1_300, 1)))
    used.reset()
    for seed in range(3):
        batch = put("amount", 30, None)(table(700, seed))
        assert used.update(batch) == new.update(batch)
    assert used.counts == new.counts


def test_nothing_to_judge() -> None:
    """Empty batches are no rows, and a reference of one row accuses nobody of chance."""
    monitor = DataQualityMonitor(Reference.build([[1.0, 2.0]]), window=10)
    assert monitor.update(np.empty((0, 2))) == []
    assert monitor.warming_up


@pytest.mark.parametrize(
    ("options", "words"),
    [({"window": 0}, "window=0"), ({"tolerances": {"rnage": 0.1}}, "'rnage'"), ({"ages": {"x": 1.0}}, "no column 'x'")],
)
def test_wrong_options_are_refused(reference: Reference, options: dict, words: str) -> None:
    """Options that mean nothing are refused in words."""
    with pytest.raises(ValueError, match=words):
        DataQualityMonitor(reference, **options)
