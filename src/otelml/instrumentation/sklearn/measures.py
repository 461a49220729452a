"""What the number that `score` returns measures."""

from __future__ import annotations

from typing import Any, Final

from otelml.instrumentation.sklearn.identity import innermost
from otelml.semconv.attributes import EvaluationName

_MEASURES: Final = {
    "ClassifierMixin": EvaluationName.ACCURACY,
    "DummyClassifier": EvaluationName.ACCURACY,
    "MultiOutputClassifier": EvaluationName.ACCURACY,
    "RegressorMixin": EvaluationName.R2,
    "DummyRegressor": EvaluationName.R2,
    "RANSACRegressor": EvaluationName.R2,
    "_GeneralizedLinearRegressor": EvaluationName.D2,
    "KMeans": EvaluationName.NEGATIVE_INERTIA,
    "_BaseKMeans": EvaluationName.NEGATIVE_INERTIA,
    "BaseMixture": EvaluationName.LOG_LIKELIHOOD,
    "EmpiricalCovariance": EvaluationName.LOG_LIKELIHOOD,
    "FactorAnalysis": EvaluationName.LOG_LIKELIHOOD,
    "KernelDensity": EvaluationName.LOG_LIKELIHOOD,
    "LatentDirichletAllocation": EvaluationName.LOG_LIKELIHOOD,
    "PCA": EvaluationName.LOG_LIKELIHOOD,
}
"""The measure by the class that defines `score`, as its documentation says (scikit-learn 1.4 to 1.9)."""


def measure_of(estimator: Any) -> str:
    """The name of what an estimator's `score` returns.

    That of the class that defines it; of a search, of its `scoring`; of a pipeline, and of a search without one, that
    of the model inside. `score` where none of these tells.
    """
    known = _measure_by(type(estimator))
    if known is not None:
        return known
    scoring = vars(estimator).get("scoring")
    if isinstance(scoring, str):
        return scoring
    return _measure_by(type(innermost(estimator))) or EvaluationName.SCORE


def _measure_by(cls: type) -> str | None:
    score = getattr(cls, "score", None)
    # A class of the application may have the name of one of scikit-learn's.
    if getattr(score, "__module__", "").partition(".")[0] != "sklearn":
        return None
    return _MEASURES.get(getattr(score, "__qualname__", "").partition(".")[0])
