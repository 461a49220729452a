"""The models that are called, and what they are called with. Peers make them too, with older scikit-learn."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Array = npt.NDArray[Any]


class Data(NamedTuple):
    """Real data: breast cancer, 569 rows of 30 features, standardized."""

    features: Array
    target: Array


def load() -> Data:
    features, target = load_breast_cancer(return_X_y=True)
    return Data(StandardScaler().fit_transform(features), target)


WIDE = 1_000
"""Features of the model `wide`: the 30 real ones again and again, with noise."""


def rows(count: int, features: int = 30) -> Array:
    """The first rows of the data, repeated as often as needed."""
    few = np.resize(load().features, (count, 30))
    if features == few.shape[1]:
        return few
    noise = np.random.default_rng(0).normal(size=(count, features))
    return np.asarray(np.tile(few, features // 30 + 1)[:, :features] + noise)


class Nearest(ClassifierMixin, BaseEstimator):
    """A quick estimator of the application's own: the class whose mean is nearest."""

    def fit(self, features: Array, target: Array) -> Nearest:
        self.classes_ = np.unique(target)
        self.means_ = np.stack([features[target == label].mean(axis=0) for label in self.classes_])
        return self

    def predict(self, features: Array) -> Array:
        features = np.asarray(features, dtype=float)
        if not np.isfinite(features).all():
            raise ValueError("The input has missing or infinite values.")
        distances = ((features[:, None, :] - self.means_) ** 2).sum(axis=2)
        return self.classes_[distances.argmin(axis=1)]


def fitted(name: str) -> Any:
    """A model of this name, fitted."""
    makers = {
        "logistic": lambda: LogisticRegression(max_iter=1000),
        "forest": lambda: RandomForestClassifier(n_estimators=20, random_state=0),
        "pipeline": lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=1000)),
        "nearest": Nearest,
        "wide": lambda: LogisticRegression(max_iter=1000),
    }
    data = load() if name != "wide" else Data(rows(569, WIDE), load().target)
    return makers[name]().fit(data.features, data.target)
