"""Predicted scores are counted by bin, as numpy would bin them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, IsolationForest
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, RidgeCV
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otelml.semconv import attributes as names
from tests.instrumentation.sklearn.data import THREE, X, Y
from tests.support.telemetry import Telemetry

NAN, INF = float("nan"), float("inf")
PROBABILITY_EDGES = np.arange(1, 21) / 20
_STEPS = np.array([0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000])
SCORE_EDGES = np.concatenate([-_STEPS[::-1], [0.0], _STEPS])


def counted(telemetry: Telemetry) -> dict[str, float]:
    """The counts by bin."""
    return {it.attributes[names.ML_PREDICTION_SCORE_BIN]: it.value for it in telemetry.points("ml.prediction.scores")}


def binned(scores: Any, edges: Any) -> dict[str, int]:
    """What numpy's histogram says of scores, by the upper bound of the bin, which is inclusive."""
    flat = np.asarray(scores, dtype=float).ravel()
    numbers = flat[~np.isnan(flat)]
    # numpy's bins include their lower bound: mirrored, they include the upper one.
    bounds = np.concatenate([[-INF], -edges[::-1], [INF]])
    counts = np.histogram(np.clip(-numbers, -1e300, 1e300), np.clip(bounds, -1e301, 1e301))[0][::-1]
    texts = [*(f"{edge:g}" for edge in edges), "+Inf"]
    found = {text: int(count) for text, count in zip(texts, counts, strict=True) if count}
    return found | ({"NaN": len(flat) - len(numbers)} if len(flat) > len(numbers) else {})


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("rows", [1, 2, 60])
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba"])
@pytest.mark.parametrize("target", [Y, THREE], ids=["binary", "three"])
def test_probabilities(target: Any, method: str, rows: int, telemetry: Telemetry) -> None:
    """The second class's probability where there are two, else the largest one; logarithms are undone."""
    model = LogisticRegression().fit(X, target)
    result = getattr(model, method)(X[:rows])
    probabilities = model.predict_proba(X[:rows]) if method == "predict_proba" else np.exp(result)
    scores = probabilities[:, 1] if target is Y else probabilities.max(axis=1)
    expected = binned(scores, PROBABILITY_EDGES)
    assert counted_by(telemetry, method) == (
        {k: 2 * v for k, v in expected.items()} if method == "predict_proba" else expected
    )


def counted_by(telemetry: Telemetry, method: str) -> dict[str, float]:
    """The counts by bin of one method."""
    points = telemetry.points("ml.prediction.scores", {names.ML_OPERATION_METHOD: method})
    return {it.attributes[names.ML_PREDICTION_SCORE_BIN]: it.value for it in points}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("rows", [1, 2, 60])
@pytest.mark.parametrize(
    ("make", "method"),
    [
        (lambda: LogisticRegression().fit(X, Y), "decision_function"),
        (lambda: LogisticRegression().fit(X, THREE), "decision_function"),
        (lambda: GradientBoostingClassifier(n_estimators=2).fit(X, THREE), "decision_function"),
        (lambda: IsolationForest(n_estimators=2).fit(X), "decision_function"),
        (lambda: IsolationForest(n_estimators=2).fit(X), "score_samples"),
        (lambda: KernelDensity().fit(X), "score_samples"),
    ],
)
def test_unbounded_scores(make: Any, method: str, rows: int, telemetry: Telemetry) -> None:
    """Scores without limits have bins that grow; of several for a row, the largest is counted."""
    scores = getattr(make(), method)(X[:rows])
    assert counted(telemetry) == binned(scores if scores.ndim == 1 else scores.max(axis=1), SCORE_EDGES)


class Says(ClassifierMixin, BaseEstimator):
    """Gives the scores that it was made with."""

    def __init__(self, result: Any, classes: Any = None) -> None:
        self.result = result
        if classes is not None:
            self.classes_ = classes

    def predict_proba(self, X: Any) -> Any:
        return self.result

    predict_log_proba = predict_proba

    def decision_function(self, X: Any) -> Any:
        return self.result


SCORES: dict[str, tuple[Any, dict[str, int]]] = {
    "edges": (np.array([0.1, 0.100001, -0.1, 0.0, -0.0, 1000.0, -1000.0, 1000.1]), {}),
    "nan and infinite": (np.array([NAN, INF, -INF, 1.5, NAN]), {"NaN": 2, "+Inf": 1, "-1000": 1, "2": 1}),
    "only nan": (np.array([NAN, NAN]), {"NaN": 2}),
    "one nan": (np.array([NAN]), {"NaN": 1}),
    "one infinite": (np.array([INF]), {"+Inf": 1}),
    "one minus infinite": (np.array([-INF]), {"-1000": 1}),
    "rows with nan": (np.array([[NAN, 1.0], [0.3, 0.4]]), {"NaN": 1, "0.5": 1}),
    "integers": (np.array([3, 40, -7]), {"5": 1, "50": 1, "-5": 1}),
    "float16": (np.array([0.5, 60000], dtype=np.float16), {"0.5": 1, "+Inf": 1}),
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("kind", SCORES)
def test_scores_of_user_defined_estimators(kind: str, telemetry: Telemetry) -> None:
    """Numbers of every kind fall into a bin each; what is no number is counted apart."""
    scores, expected = SCORES[kind]
    assert Says(scores).decision_function(X) is scores
    assert counted(telemetry) == (expected or binned(scores, SCORE_EDGES))


NO_SCORES: dict[str, Any] = {
    "strings": np.array(["a", "b"]),
    "objects": np.array([None, 1.0], dtype=object),
    "complex": np.array([1j]),
    "list": [[0.5, 0.5]],
    "several outputs": [np.array([[0.5, 0.5]]), np.array([[0.1, 0.9]])],
    "3-d": np.zeros((2, 2, 2)),
    "0-d": np.array(0.5),
    "empty": np.zeros((0, 2)),
    "no classes": np.zeros((2, 0)),
    "number": 0.5,
    "none": None,
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
@pytest.mark.parametrize("kind", NO_SCORES)
def test_results_that_are_no_scores(kind: str, method: str, telemetry: Telemetry) -> None:
    """Whatever else comes back reaches the host, and the call counts without scores."""
    result = NO_SCORES[kind]
    assert getattr(Says(result, np.array(["a", "b"])), method)(X) is result
    assert counted(telemetry) == {}
    assert telemetry.total("ml.inference.calls") == 1


PROBABILITIES: dict[str, tuple[Any, dict[str, int], dict[str, int]]] = {
    "edges": (np.array([[0.95, 0.05], [0.0, 1.0], [1.0, 0.0]]), {"0.05": 2, "1": 1}, {"a": 2, "b": 1}),
    "above one": (np.array([[0.0, 1.5]]), {"+Inf": 1}, {"b": 1}),
    "tie": (np.array([[0.5, 0.5]]), {"0.5": 1}, {"a": 1}),
    "ties": (np.array([[0.5, 0.5], [0.5, 0.5]]), {"0.5": 2}, {"a": 2}),
    "nan": (np.array([[NAN, NAN], [0.2, 0.8]]), {"NaN": 1, "0.8": 1}, {"b": 1}),
    "one nan": (np.array([[NAN, NAN]]), {"NaN": 1}, {}),
    "only nan": (np.array([[NAN, NAN], [NAN, NAN]]), {"NaN": 2}, {}),
    "infinite": (np.array([[-INF, INF]]), {"+Inf": 1}, {"b": 1}),
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("kind", PROBABILITIES)
def test_probabilities_of_user_defined_estimators(kind: str, telemetry: Telemetry) -> None:
    """Bounds are inclusive, ties go to the first class, and a row without a number has no class."""
    result, bins, classes = PROBABILITIES[kind]
    Says(result, np.array(["a", "b"])).predict_proba(X)
    assert counted(telemetry) == bins
    points = telemetry.points("ml.inference.predictions")
    assert {it.attributes[names.ML_PREDICTION_CLASS]: it.value for it in points} == classes


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("rows", [1, 2])
def test_an_infinite_one_of_three(rows: int, telemetry: Telemetry) -> None:
    """An infinite probability is the largest, in a batch as alone."""
    Says(np.array([[0.3, INF, 0.7]] * rows), np.array(["a", "b", "c"])).predict_proba(X)
    assert counted(telemetry) == {"+Inf": rows}
    assert telemetry.total("ml.inference.predictions", {names.ML_PREDICTION_CLASS: "b"}) == rows


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("rows", [1, 2])
def test_three_probabilities_one_of_them_nan(rows: int, telemetry: Telemetry) -> None:
    """A row with a NaN has no largest probability, in a batch as alone."""
    result = np.array([[0.3, NAN, 0.7]] * rows)
    Says(result, np.array(["a", "b", "c"])).predict_proba(X)
    assert counted(telemetry) == {"NaN": rows}
    assert not telemetry.points("ml.inference.predictions")


@pytest.mark.usefixtures("hooked")
def test_classes_that_do_not_fit(telemetry: Telemetry) -> None:
    """Without classes, or with another number of them, scores are counted and classes are not."""
    for classes in (None, np.array(["a"]), ["a", "b"], np.array([["a"], ["b"]])):
        Says(np.array([[0.2, 0.8]] * 2), classes).predict_proba(X)
    assert counted(telemetry) == {"0.8": 8}
    assert not telemetry.points("ml.inference.predictions")


SCORED = {
    "classifier": (lambda: GaussianNB(), "accuracy"),
    "pipeline": (lambda: make_pipeline(StandardScaler(), GaussianNB()), "accuracy"),
    "search": (lambda: GridSearchCV(GaussianNB(), {}, cv=2), "accuracy"),
    "search by name": (lambda: GridSearchCV(GaussianNB(), {}, cv=2, scoring="f1"), "f1"),
    "regressor": (lambda: LinearRegression(), "r2"),
    "regressor that chooses by another measure": (lambda: RidgeCV(scoring="neg_mean_absolute_error"), "r2"),
    "regressor of counts": (lambda: PoissonRegressor(), "d2"),
    "clusters": (lambda: KMeans(2, n_init=1), "negative_inertia"),
    "clusters in a pipeline": (lambda: make_pipeline(StandardScaler(), KMeans(2, n_init=1)), "negative_inertia"),
    "mixture": (lambda: GaussianMixture(2), "log_likelihood"),
    "density": (lambda: KernelDensity(), "log_likelihood"),
    "components": (lambda: PCA(2), "log_likelihood"),
    "model of the application": (lambda: Homemade(), "score"),
}


class Homemade(BaseEstimator):
    """Has a score of its own."""

    def fit(self, X: Any, y: Any = None) -> Homemade:
        """Learn nothing."""
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Whatever the application takes for good."""
        return 0.5


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("kind", SCORED)
def test_evaluation_result(kind: str, telemetry: Telemetry) -> None:
    """The result of `score` is a metric and an event on the evaluation's span, under the name of its measure."""
    make, name = SCORED[kind]
    estimator = make().fit(X, Y)
    score = estimator.score(X, Y)
    model = type(estimator).__name__
    about = {names.ML_MODEL_NAME: model, names.ML_EVALUATION_NAME: name}
    [point] = telemetry.metrics["ml.evaluation.score"]
    assert (point.value, point.attributes) == (score, about)
    event = telemetry.event("ml.evaluation.result")
    assert event.attributes == {
        **about,
        names.ML_EVALUATION_SCORE_VALUE: score,
        names.ML_EVALUATION_SAMPLE_COUNT: 60,
    }
    assert event.span_id == telemetry.span(f"evaluate {model}").span_id
    assert event.severity == 9


@pytest.mark.usefixtures("hooked")
def test_latest_evaluation_wins(telemetry: Telemetry) -> None:
    """The metric holds the score of the latest evaluation; a NaN result is no fault."""
    model = GaussianNB().fit(X, Y)
    model.score(X, Y)
    last = model.score(X[:7], Y[:7])
    assert telemetry.point("ml.evaluation.score").value == last
    assert telemetry.total("ml.evaluation.runs") == 2


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("result", [3, "good", None, np.array([1.0, 2.0]), {"a": 1.0}])
def test_results_of_score_that_are_no_number(result: Any, telemetry: Telemetry) -> None:
    """A `score` of the application's may return anything."""

    class Own(BaseEstimator):
        def score(self, X: Any) -> Any:
            return result

    assert Own().score(X) is result
    assert telemetry.total("ml.evaluation.runs") == 1
    assert not telemetry.points("ml.evaluation.score")
