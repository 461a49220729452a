"""Estimators of scikit-learn's and of an application's, for the conformance suites."""

from __future__ import annotations

from typing import Any

X = [[0.0, 1.0], [1.0, 0.0], [0.2, 0.8], [0.9, 0.3], [0.1, 0.7], [0.8, 0.1]]
Y = [0, 1, 0, 1, 0, 1]


def subject() -> Any:
    """A fitted classifier of scikit-learn's."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(X, Y)


def define() -> Any:
    """A fitted classifier of a class that the application defines now."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Majority(ClassifierMixin, BaseEstimator):
        """Predicts the most frequent class."""

        def fit(self, X: Any, y: Any) -> Any:
            self.classes_ = sorted(set(y))
            self.label_ = max(self.classes_, key=list(y).count)
            return self

        def predict(self, X: Any) -> Any:
            return [self.label_ for _ in X]

    return Majority().fit(X, Y)


def returning(result: object) -> Any:
    """An estimator that predicts exactly this."""
    from sklearn.base import BaseEstimator

    class Echo(BaseEstimator):
        def predict(self, X: Any) -> Any:
            return result

    return Echo()


def raising(error: BaseException) -> Any:
    """An estimator that raises exactly this."""
    from sklearn.base import BaseEstimator

    class Failing(BaseEstimator):
        def predict(self, X: Any) -> Any:
            raise error

    return Failing()


_MAIN = """
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if

class Threshold(ClassifierMixin, TransformerMixin, BaseEstimator):
    def __init__(self, at=0.5, proba=True):
        self.at = at
        self.proba = proba

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return [int(row[0] > self.at) for row in X]

    def transform(self, X):
        return [[row[0] - self.at] for row in X]

    @available_if(lambda self: self.proba)
    def predict_proba(self, X):
        return [[0.5, 0.5] for _ in X]

class Lower(Threshold):
    def predict(self, X):
        return super().predict(X)
"""


def main_class(name: str) -> type:
    """A class that an application defines in the file that it was started with: cloudpickle sends it by value."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(_MAIN, namespace)
    cls: type = namespace[name]
    return cls
