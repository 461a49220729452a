"""Predicted classes are counted exactly, of whatever type they are."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from otelml.semconv import attributes as names
from tests.instrumentation.sklearn.data import NAMED, THREE, X, Y
from tests.support.telemetry import Telemetry

NAN = float("nan")


class Says(ClassifierMixin, BaseEstimator):
    """A classifier that predicts what it was made with."""

    def __init__(self, labels: Any = None, classes: Any = None) -> None:
        self.labels = labels
        if classes is not None:
            self.classes_ = classes

    def predict(self, X: Any) -> Any:
        return self.labels


def counted(telemetry: Telemetry) -> dict[str, float]:
    """The counts by class."""
    return {it.attributes[names.ML_PREDICTION_CLASS]: it.value for it in telemetry.points("ml.inference.predictions")}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize(
    "target",
    [
        Y,
        Y.astype(bool),
        Y.astype(float),
        NAMED,
        NAMED.astype(object),
        THREE * 5000 - 7000,
        pd.Series(NAMED),
        THREE.astype("i1"),
    ],
    ids=["int", "bool", "float", "str", "object", "wide int", "pandas strings", "int8"],
)
@pytest.mark.parametrize("rows", [1, 2, 40, 60])
def test_labels_of_every_type(target: Any, rows: int, telemetry: Telemetry) -> None:
    """What scikit-learn predicts is counted, label by label, in small and large batches."""
    model = KNeighborsClassifier(1).fit(X, target)
    labels = model.predict(X[:rows])
    assert counted(telemetry) == Counter(str(label) for label in np.asarray(labels).tolist())


LABELS: dict[str, tuple[Any, dict[str, int] | None]] = {
    # 1 and True are equal, as they are for whoever compares labels, and "1" reads like 1.
    "mixed": (np.array([1, "1", 1.5, None, True] * 9, dtype=object), {"1": 27, "1.5": 9, "None": 9}),
    "mixed, few": (np.array(["a", 2, "a"], dtype=object), {"a": 2, "2": 1}),
    "nan": (np.array([NAN, 1.0, NAN]), {"NaN": 2, "1.0": 1}),
    "nan, many": (np.array([NAN, 1.0] * 50), {"NaN": 50, "1.0": 50}),
    "nan objects": (np.array([NAN, "a", float("nan")], dtype=object), {"NaN": 2, "a": 1}),
    "one nan": (np.array([NAN]), {"NaN": 1}),
    "infinite": (np.array([np.inf, -np.inf]), {"inf": 1, "-inf": 1}),
    "negative": (np.array([-1, 1] * 40), {"-1": 40, "1": 40}),
    "far apart": (np.array([-(2**62), 2**62] * 20), {str(-(2**62)): 20, str(2**62): 20}),
    "unsigned": (np.array([2**64 - 1] * 40, dtype=np.uint64), {str(2**64 - 1): 40}),
    "dates": (np.array(["2026-01-01", "2026-01-02"] * 20, dtype="M8[D]"), {"2026-01-01": 20, "2026-01-02": 20}),
    "one date": (np.array(["2026-01-01"], dtype="M8[D]"), {"2026-01-01": 1}),
    "date objects": (np.array([datetime.date(2026, 1, 1)] * 2, dtype=object), {"2026-01-01": 2}),
    "bytes": (np.array([b"a", b"b", b"a"]), {"b'a'": 2, "b'b'": 1}),
    "tuples": ([(1, 2), (1, 2), (3, 4)], {"(1, 2)": 2, "(3, 4)": 1}),
    "list": (["a", "b", "a"], {"a": 2, "b": 1}),
    "empty": (np.array([]), {}),
    "empty list": ([], {}),
    "column": (np.array([[1], [0], [1]]), None),
    "multi-output": (np.array([["a", "x"], ["b", "y"]]), None),
    "multi-label lists": ([[1, 0], [0, 1]], None),
    "objects that are lists": (np.array([[1], [1, 2], None], dtype=object), None),
    "scalar": (1, None),
    "0-d": (np.array(1), None),
    "none": (None, None),
    "series": (pd.Series(["a", "b"]), None),
    "long": (["x" * 10_000, "y"], {"x" * 128: 1, "y": 1}),
    "masked": (np.ma.array([1, 2, 1], mask=[False, False, False]), {"1": 2, "2": 1}),
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("kind", LABELS)
def test_results_of_user_defined_classifiers(kind: str, telemetry: Telemetry) -> None:
    """Results that scikit-learn would not give reach the host untouched; one label a row is counted."""
    labels, expected = LABELS[kind]
    model = Says(labels)
    assert model.predict(X[:3]) is labels
    assert counted(telemetry) == (expected or {})
    assert telemetry.total("ml.inference.calls") == 1


@pytest.mark.usefixtures("hooked")
def test_classes_with_nan_among_them(telemetry: Telemetry) -> None:
    """A classifier that knows NaN as a class has it counted as one."""
    labels = np.array([NAN, 1.0] * 30)
    Says(labels, np.array([1.0, NAN])).predict(X)
    assert counted(telemetry) == {"NaN": 30, "1.0": 30}


@pytest.mark.usefixtures("hooked")
def test_labels_outside_the_classes(telemetry: Telemetry) -> None:
    """Labels that a classifier does not list are counted, too."""
    labels = np.array([0.5, 1.5, 2.5] * 20)
    Says(labels, np.array([0.5, 1.5])).predict(X)
    assert counted(telemetry) == {"0.5": 20, "1.5": 20, "2.5": 20}


def test_too_many_classes(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """Above the limit further classes are counted as one, and none is lost; the ones known keep their names."""
    instrument(max_classes=3)
    model = Says()
    for labels in ([0, 1], [1, 2], list(range(100)), [2] * 5, np.arange(100.0), np.array([1])):
        model.labels = labels
        model.predict(X)
    assert counted(telemetry).keys() == {"0", "1", "2", "_OTHER"}
    assert sum(counted(telemetry).values()) == 210
    assert counted(telemetry)["2"] == 1 + 1 + 5 + 1


@pytest.mark.usefixtures("hooked")
def test_default_limit(telemetry: Telemetry) -> None:
    """Fifty classes are told apart."""
    Says([f"class {k}" for k in range(80)]).predict(X)
    assert len(counted(telemetry)) == 51
    assert counted(telemetry)["_OTHER"] == 30


@pytest.mark.usefixtures("hooked")
def test_clusters_and_outliers(telemetry: Telemetry) -> None:
    """Labels of clusters and outliers are classes, too."""
    clusters = KMeans(3, n_init=1, random_state=0).fit(X).predict(X)
    assert counted(telemetry) == Counter(map(str, clusters.tolist()))
    outliers = IsolationForest(n_estimators=2, random_state=0).fit(X).predict(X)
    found = telemetry.points("ml.inference.predictions", {names.ML_MODEL_NAME: "IsolationForest"})
    assert {it.attributes[names.ML_PREDICTION_CLASS]: it.value for it in found} == Counter(map(str, outliers.tolist()))


@pytest.mark.usefixtures("hooked")
def test_numbers_are_no_classes(telemetry: Telemetry) -> None:
    """What a regression predicts, or an estimator whose task is unknown, is not counted by value."""

    class Length(RegressorMixin, BaseEstimator):
        def predict(self, X: Any) -> Sequence[float]:
            return [float(len(X))]

    class Unknown(BaseEstimator):
        def predict(self, X: Any) -> Any:
            return np.array([3])

    LinearRegression().fit(X, Y).predict(X)
    LinearRegression().fit(X, Y).predict(X[:1])
    Length().predict(X)
    Unknown().predict(X)
    assert not telemetry.points("ml.inference.predictions")
    assert telemetry.total("ml.inference.calls") == 4


@pytest.mark.usefixtures("hooked")
def test_many_outputs(telemetry: Telemetry) -> None:
    """Several outputs have no single class; the samples are counted."""
    many = np.column_stack([Y, THREE])
    forest = RandomForestClassifier(2).fit(X, many)
    forest.predict(X)
    forest.predict_proba(X)
    assert not telemetry.points("ml.inference.predictions")
    assert not telemetry.points("ml.prediction.scores")
    assert telemetry.total("ml.inference.samples") == 120


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("target", [Y, NAMED, NAMED.astype(object), THREE], ids=["int", "str", "object", "three"])
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba"])
@pytest.mark.parametrize("rows", [1, 60])
def test_classes_of_probabilities(target: Any, method: str, rows: int, telemetry: Telemetry) -> None:
    """The most probable class is counted, which is the one that `predict` gives."""
    model = LogisticRegression().fit(X, target)
    getattr(model, method)(X[:rows])
    assert counted(telemetry) == Counter(str(label) for label in model.predict(X[:rows]).tolist())
    telemetry.allow()


@pytest.mark.usefixtures("hooked")
def test_mutable_labels_are_not_kept(telemetry: Telemetry) -> None:
    """Counting keeps no object of the host's as a label."""

    class Label:
        def __str__(self) -> str:
            return "label"

    Says([Label(), Label()]).predict(X)
    assert counted(telemetry) == {"label": 2}
