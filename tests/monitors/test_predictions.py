"""The prediction monitor sums up windows of labels and probabilities."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from otelml.monitors.prediction_summary import PredictionSummary
from otelml.monitors.predictions import PredictionMonitor
from otelml.observations.scores import PROBABILITY_BOUNDS, count_bins


def probabilities(rows: int, classes: int, seed: int = 0) -> Any:
    """Rows of probabilities."""
    return np.random.default_rng(seed).dirichlet(np.ones(classes), rows)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_confidence_and_entropy_are_the_usual_ones(classes: int) -> None:
    """The means agree with NumPy's and SciPy's to 1e-9."""
    P = probabilities(500, classes)
    summary = PredictionMonitor.reference(probabilities=P)
    assert summary.confidence == pytest.approx(P.max(1).mean(), rel=1e-9)
    assert summary.entropy == pytest.approx((stats.entropy(P, axis=1) / np.log(classes)).mean(), rel=1e-9)
    assert summary.rows == 500


@pytest.mark.parametrize("classes", [2, 5])
def test_scores_fall_into_the_bins_of_the_counters(classes: int) -> None:
    """The histogram is the one that the metric of scores has, 20 bins with inclusive upper bounds."""
    P = probabilities(500, classes)
    P[:21] = 0
    P[:21, 1] = np.arange(21) / 20
    P[:21, 0] = 1 - P[:21, 1]
    score = P[:, 1] if classes == 2 else P.max(1)
    wanted = count_bins(score, PROBABILITY_BOUNDS)
    scores = PredictionMonitor.reference(probabilities=P).scores
    found = dict(zip((f"{bound:g}" for bound in PROBABILITY_BOUNDS), scores, strict=True))
    assert {text: count for text, count in found.items() if count} == wanted


def test_near_the_threshold() -> None:
    """Near is within the margin, at both ends inclusive; of several classes, by the two largest probabilities."""
    two = [0.449, 0.45, 0.5, 0.55, 0.551, 0.9]
    assert PredictionMonitor.reference(probabilities=two).near_threshold == pytest.approx(3 / 6)
    assert PredictionMonitor.reference(probabilities=two, threshold=0.9).near_threshold == pytest.approx(1 / 6)
    three = [[0.45, 0.36, 0.19], [0.45, 0.34, 0.21], [1.0, 0.0, 0.0]]
    assert PredictionMonitor.reference(probabilities=three).near_threshold == pytest.approx(1 / 3)


def test_shapes_of_probabilities() -> None:
    """A vector, one column and two columns say the same of two classes."""
    p = probabilities(100, 2)[:, 1]
    shapes = [p, p[:, None], np.column_stack([1 - p, p]), p.tolist(), p.astype(np.float32)]
    means = [list(PredictionMonitor.reference(probabilities=shape).values.values()) for shape in shapes]
    assert np.allclose(means, means[0], atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([1, 0, 1]), {"1": 2, "0": 1}),
        (np.array([1.0, 0.0, 1.5]), {"1": 1, "0": 1, "1.5": 1}),
        (["a", "b", "a"], {"a": 2, "b": 1}),
        (pd.Series(["a", None]), {"a": 1, "None": 1, "nan": 1}),
        (np.array([True, False]), {"True": 1, "False": 1}),
        (np.array([[1, 0], [1, 0], [0, 1]]), {"1, 0": 2, "0, 1": 1}),
        ([[1, 0], [1, 1]], {"1, 0": 1, "1, 1": 1}),
    ],
)
def test_classes_are_counted_by_their_text(labels: Any, classes: dict[str, int]) -> None:
    """Labels of all types are counted; of several outputs, each combination is a class."""
    found = PredictionMonitor.reference(labels=labels).classes
    assert all(classes[name] == count for name, count in found.items())
    assert sum(found.values()) == len(labels)


def test_classes_are_capped() -> None:
    """Beyond the allowed number of classes, further ones are counted together."""
    classes = PredictionMonitor.reference(labels=[str(at % 400) for at in range(4_000)], max_classes=10).classes
    assert len(classes) == 11
    assert classes["_OTHER"] == 3_900


@pytest.mark.parametrize("bad", [[np.nan, 0.5], [0.4, 0.4], [1.2, -0.2], [np.inf, 0.0]])
def test_rows_that_are_no_probabilities_are_left_out(bad: list[float]) -> None:
    """Rows outside 0 to 1, not finite or not adding up to 1 are counted apart."""
    P = probabilities(10, 2)
    wanted = PredictionMonitor.reference(probabilities=P)
    summary = PredictionMonitor.reference(probabilities=np.vstack([P, bad]))
    assert (summary.rows, summary.invalid) == (10, 1)
    assert summary.values == wanted.values
    alone = PredictionMonitor.reference(probabilities=[bad])
    assert (alone.invalid, alone.values) == (1, {})


@pytest.mark.parametrize("bad", [[["a", "b"]], np.zeros((2, 2, 2)), 0.5])
def test_what_are_no_probabilities_is_refused(bad: Any) -> None:
    """Texts and arrays of three dimensions are a `TypeError` in words."""
    with pytest.raises(TypeError, match="Probabilities are numbers"):
        PredictionMonitor().update(probabilities=bad)


def test_windows() -> None:
    """Labels and probabilities have windows of their own; the last complete one is shown."""
    monitor = PredictionMonitor(window=100)
    assert (monitor.latest, monitor.summary) == ({}, PredictionSummary())
    for at in range(5):
        monitor.update(labels=["a"] * 30, probabilities=probabilities(25, 3, seed=at))
    assert (monitor.summary.labels, monitor.summary.rows) == (120, 100)
    monitor.update(probabilities=np.tile([1.0, 0.0], (100, 1)))
    assert monitor.latest["entropy"] < 0.2
    assert monitor.summary.labels == 120


def test_changes_against_what_is_expected() -> None:
    """Differences of the means and corrected stability indices: near 0 without a change, large with one."""
    expected = PredictionMonitor.reference(
        labels=["a"] * 700 + ["b"] * 300, probabilities=np.random.default_rng(0).beta(2, 2, 4_000)
    )
    monitor = PredictionMonitor(expected=expected)
    monitor.update(labels=["a"] * 710 + ["b"] * 290, probabilities=np.random.default_rng(1).beta(2, 2, 4_000))
    assert all(abs(change) < 0.02 for change in monitor.changes.values())
    assert set(monitor.changes) == {"confidence", "entropy", "near_threshold", "classes", "scores"}
    monitor.update(labels=["a"] * 200 + ["c"] * 800, probabilities=np.random.default_rng(1).beta(8, 2, 4_000))
    assert monitor.changes["classes"] > 1
    assert monitor.changes["scores"] > 0.5
    assert monitor.changes["confidence"] > 0.05
    assert PredictionMonitor().changes == {}


def test_state() -> None:
    """A monitor restored from JSON goes on as the stored one; `reset` makes it new; a broken state is refused."""
    monitor, other = PredictionMonitor(window=100), PredictionMonitor(window=100)
    monitor.update(labels=["a"] * 130, probabilities=probabilities(120, 3))
    monitor.update(labels=["b"] * 30, probabilities=probabilities(70, 3))
    other.restore(json.loads(json.dumps(monitor.snapshot())))
    assert other.summary == monitor.summary
    for each in (monitor, other):
        each.update(labels=["a"] * 70, probabilities=probabilities(30, 3, seed=2))
    assert other.summary == monitor.summary
    assert other.summary.classes == {"a": 70, "b": 30}
    monitor.reset()
    assert monitor.summary == PredictionSummary()
    with pytest.raises(ValueError, match="broken"):
        monitor.restore({"sums": [1, 2]})


def test_no_rows() -> None:
    """Empty outputs are no predictions."""
    monitor = PredictionMonitor(window=1)
    monitor.update(labels=[], probabilities=np.empty((0, 2)))
    assert monitor.summary == PredictionSummary()
    with pytest.raises(ValueError, match="window=0"):
        PredictionMonitor(window=0)
