"""Labels that a model is scored with are compared with the target that it was trained with."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import cross_val_score

from otelml.observations.profile import profile_of
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.monitors.live.conftest import Watch
from tests.monitors.live.test_serving import changes
from tests.support.telemetry import Telemetry

_random = np.random.default_rng(3)
X = _random.normal(size=(4000, 3))
Y = np.where(X[:, 0] + 0.3 * _random.normal(size=4000) > 0, "yes", "no")


def labels(rows: int, share: float, seed: int = 5) -> Any:
    """Labels of which a share is yes."""
    return np.where(np.random.default_rng(seed).random(rows) < share, "yes", "no")


def rows(number: int) -> Any:
    """Rows as in training."""
    return np.random.default_rng(9).normal(size=(number, 3))


@pytest.mark.parametrize("wrap", [np.asarray, list, pd.Series, pl.Series, lambda y: pd.DataFrame({"y": y})])
def test_labels_of_another_mix_are_found(watch: Watch, telemetry: Telemetry, wrap: Any) -> None:
    """Labels of any type as in training say nothing; a mix of 75 to 25 is drift of type label, and only that."""
    watch()
    model = pickle.loads(pickle.dumps(LogisticRegression().fit(X, Y)))
    for seed in range(4):
        model.score(rows(100), wrap(labels(100, 0.5, seed)))
    telemetry.requests()
    assert changes(telemetry) == []
    model.score(rows(1000), y=wrap(labels(1000, 0.75)))
    telemetry.requests()
    assert [state for _, state in changes(telemetry, **{names.ML_DRIFT_TYPE: "label"})] == ["drifted"]
    assert len(changes(telemetry)) == 1
    scores = [
        point.value
        for point in telemetry.points(metrics.ML_DRIFT_SCORE.name)
        if point.attributes[names.ML_DRIFT_TYPE] == "label" and point.attributes[names.ML_DRIFT_METHOD] == "psi"
    ]
    assert scores[0] > 0.1


def test_numbers_are_compared_by_their_distribution(watch: Watch, telemetry: Telemetry) -> None:
    """The labels of a regression that are half a deviation higher have drifted."""
    watch()
    model = LinearRegression().fit(X, X[:, 0] + 10)
    model.score(rows(400), rows(400)[:, 0] + 10)
    model.score(rows(400), rows(400)[:, 0] + 10.5)
    telemetry.requests()
    assert [state for _, state in changes(telemetry, **{names.ML_DRIFT_TYPE: "label"})] == ["drifted"]


def test_without_a_profile_the_first_labels_are_the_reference(watch: Watch, telemetry: Telemetry) -> None:
    """A model without a profile compares its labels with the first it was scored with."""
    watch(reference_at_fit=False, reference_rows=500)
    model = LogisticRegression().fit(X, Y)
    assert profile_of(model) is None
    model.score(rows(600), labels(600, 0.5))
    model.score(rows(1000), labels(1000, 0.8))
    telemetry.requests()
    assert [state for _, state in changes(telemetry, **{names.ML_DRIFT_TYPE: "label"})] == ["drifted"]


def test_cross_validation_is_not_watched(watch: Watch) -> None:
    """The models that cross-validation scores are not watched, and their labels are not counted."""
    live = watch()
    cross_val_score(LogisticRegression(), X, Y)
    assert live.model_states() == []


def test_more_labels_than_are_taken_are_thinned_evenly(watch: Watch, telemetry: Telemetry) -> None:
    """Of 25,000 labels in one call, at most 10,000 are counted, from the whole of them."""
    live = watch(drift_windows="5000")
    model = LogisticRegression().fit(X, Y)
    table, truth = rows(25_000), np.concatenate([labels(12_500, 0.1), labels(12_500, 0.9)])
    model.score(table, truth)
    telemetry.requests()
    assert changes(telemetry) == []
    (state,) = live.model_states()
    label = next(check for check in state.drift if check.type == "label")
    assert label.state == "ok"


def test_a_served_model_that_learns_on(watch: Watch, telemetry: Telemetry) -> None:
    """What `partial_fit` is given before a model is served is training; later labels are compared with that."""
    watch()
    model = SGDClassifier(random_state=0)
    for seed in range(10):
        model.partial_fit(rows(200), labels(200, 0.5, seed), classes=["no", "yes"])
    model.partial_fit(rows(400), labels(400, 0.9))
    telemetry.requests()
    assert changes(telemetry) == []
    model.predict(rows(10))
    for seed in range(10):
        model.partial_fit(rows(100), labels(100, 0.58, 20 + seed))
    telemetry.requests()
    assert changes(telemetry) == []
    model.partial_fit(rows(400), labels(400, 0.95))
    telemetry.requests()
    assert [state for _, state in changes(telemetry, **{names.ML_DRIFT_TYPE: "label"})] == ["drifted"]
    assert len(changes(telemetry)) == 1
