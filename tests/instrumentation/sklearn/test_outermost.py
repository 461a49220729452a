"""Only the outermost call counts; on request, the calls inside get spans, and the counts stay the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn import model_selection
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingRegressor, VotingClassifier
from sklearn.feature_selection import RFE
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from otelml.semconv import attributes as names
from otelml.telemetry.budget import RecordingBudget
from tests.instrumentation.sklearn.data import THREE, X, Y
from tests.support.telemetry import Telemetry


class Base(ClassifierMixin, BaseEstimator):
    """The first of three classes of the application that call each other's methods."""

    def fit(self, X: Any, y: Any) -> Any:
        self.model_ = LogisticRegression().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X: Any) -> Any:
        return self.model_.predict(X)


class Middle(Base):
    def fit(self, X: Any, y: Any) -> Any:
        return super().fit(X, y)

    def predict(self, X: Any) -> Any:
        return super().predict(X)


class Leaf(Middle):
    def fit(self, X: Any, y: Any) -> Any:
        super().fit(X, y)
        self.score(X, y)
        return self

    def predict(self, X: Any) -> Any:
        labels = super().predict(X)
        self.decision_function(X)
        return labels

    def decision_function(self, X: Any) -> Any:
        return self.model_.decision_function(X)


ESTIMATORS: dict[str, Callable[[], Any]] = {
    "pipeline": lambda: make_pipeline(StandardScaler(), StandardScaler(), LogisticRegression()),
    "search": lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    "search over a pipeline": lambda: GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {}, cv=2),
    "voting": lambda: VotingClassifier([("a", LogisticRegression()), ("b", LogisticRegression(C=2))], voting="soft"),
    "stacking": lambda: StackingRegressor([("a", LinearRegression())], final_estimator=LinearRegression(), cv=2),
    "calibrated": lambda: CalibratedClassifierCV(LogisticRegression(), cv=2),
    "one versus rest": lambda: OneVsRestClassifier(LogisticRegression()),
    "bagging": lambda: BaggingClassifier(LogisticRegression(), 2),
    "forest": lambda: RandomForestClassifier(3),
    "feature elimination": lambda: RFE(LogisticRegression()),
    "classes that call super": Leaf,
}
TRANSFORMERS: dict[str, Callable[[], Any]] = {
    "union": lambda: FeatureUnion([("a", StandardScaler()), ("b", make_pipeline(StandardScaler()))]),
    "columns": lambda: ColumnTransformer([("a", StandardScaler(), [0]), ("b", StandardScaler(), [1])]),
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_meta_estimators(kind: str, telemetry: Telemetry) -> None:
    """One call of a meta-estimator is one call, with one span, whatever it calls inside."""
    estimator = ESTIMATORS[kind]()
    estimator.fit(X, Y)
    estimator.predict(X)
    estimator.score(X, Y)
    model = type(estimator).__name__
    assert [span.name for span in telemetry.spans] == [f"fit {model}", f"predict {model}", f"evaluate {model}"]
    for metric in ("ml.training.runs", "ml.inference.calls", "ml.evaluation.runs"):
        assert telemetry.total(metric) == telemetry.total(metric, {names.ML_MODEL_NAME: model}) == 1


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_transformers_of_many_parts(kind: str, telemetry: Telemetry) -> None:
    """A union of transformers is one fit and one transform."""
    transformer = TRANSFORMERS[kind]()
    transformer.fit_transform(X)
    transformer.transform(X)
    model = type(transformer).__name__
    assert [span.name for span in telemetry.spans] == [f"fit {model}", f"transform {model}"]


@pytest.mark.usefixtures("hooked")
def test_methods_that_mixins_make_of_others(telemetry: Telemetry) -> None:
    """`fit_transform` of the mixin is one fit, though it calls `fit` and `transform`; `score` one evaluation."""

    class Half(TransformerMixin, BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Any:
            return self

        def transform(self, X: Any) -> Any:
            return X / 2

    class Zero(RegressorMixin, BaseEstimator):
        def predict(self, X: Any) -> Any:
            return [0.0] * len(X)

    Half().fit_transform(X)
    Zero().score(X, Y)
    assert [(span.name, span.attributes[names.ML_OPERATION_METHOD]) for span in telemetry.spans] == [
        ("fit Half", "fit_transform"),
        ("evaluate Zero", "score"),
    ]
    assert telemetry.total("ml.training.runs") == telemetry.total("ml.evaluation.runs") == 1
    assert not telemetry.points("ml.inference.calls")


@pytest.mark.usefixtures("hooked")
@pytest.mark.skipif(not hasattr(model_selection, "TunedThresholdClassifierCV"), reason="scikit-learn 1.5 and later")
def test_threshold_tuning(telemetry: Telemetry) -> None:
    """A classifier that tunes its threshold has results like a search's, and is none."""
    model = model_selection.TunedThresholdClassifierCV(LogisticRegression(), cv=2, store_cv_results=True)
    model.fit(X, Y).predict(X)
    assert telemetry.total("ml.training.runs") == telemetry.total("ml.inference.calls") == 1


@pytest.mark.usefixtures("hooked")
def test_functions_around_estimators(telemetry: Telemetry) -> None:
    """`cross_val_score` is a function, so the fits and evaluations that it makes are outermost."""
    cross_val_score(LogisticRegression(), X, Y, cv=3)
    assert telemetry.total("ml.training.runs") == telemetry.total("ml.evaluation.runs") == 3


@pytest.mark.usefixtures("hooked")
def test_call_after_a_failed_one(telemetry: Telemetry) -> None:
    """A call that raised inside a meta-estimator does not hide the next one."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(ValueError, match="at least 2 classes"):
        pipeline.fit(X, Y * 0)
    pipeline.fit(X, Y)
    assert telemetry.total("ml.training.runs") == 2
    assert telemetry.total("ml.training.runs", {names.ERROR_TYPE: "ValueError"}) == 1


def test_nested_spans(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """With the setting, steps get spans below the pipeline's, and what is counted is the same."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    instrument(sklearn_nested=True)
    pipeline.predict(X)
    spans = {span.name: span for span in telemetry.spans}
    assert spans.keys() == {"transform StandardScaler", "predict LogisticRegression", "predict Pipeline"}
    root = spans["predict Pipeline"]
    assert root.parent_id == ""
    for name in ("transform StandardScaler", "predict LogisticRegression"):
        assert spans[name].parent_id == root.span_id
        assert root.start <= spans[name].start <= spans[name].end <= root.end
    assert telemetry.total("ml.inference.calls") == telemetry.total(
        "ml.inference.calls", {names.ML_MODEL_NAME: "Pipeline"}
    )
    assert telemetry.total("ml.inference.calls") == 1
    assert telemetry.total("ml.inference.predictions") == 60
    assert [it.count for it in telemetry.points("ml.inference.duration")] == [1]


def test_nested_spans_follow_the_classes(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """A chain of `super()` calls nests as the calls do."""
    leaf = Leaf().fit(X, Y)
    instrument(sklearn_nested=True)
    leaf.predict(X)
    methods = {span.span_id: span for span in telemetry.spans}
    chains = []
    for span in telemetry.spans:
        chain = [span.attributes[names.ML_OPERATION_METHOD]]
        while span.parent_id:
            span = methods[span.parent_id]
            chain.append(span.attributes[names.ML_OPERATION_METHOD])
        chains.append(chain)
    assert ["predict", "predict", "predict", "predict"] in chains
    assert ["decision_function", "decision_function", "predict"] in chains
    assert telemetry.total("ml.inference.calls") == 1


def test_nested_failure(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """A failure inside is on both spans, and counts and is reported once."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    instrument(sklearn_nested=True)
    with pytest.raises(ValueError, match="features"):
        pipeline.predict(X[:, :2])
    statuses = {span.name: (span.status, span.attributes[names.ERROR_TYPE]) for span in telemetry.spans}
    assert statuses == dict.fromkeys(["transform StandardScaler", "predict Pipeline"], ("ERROR", "ValueError"))
    assert telemetry.total("ml.inference.calls") == 1
    assert len(telemetry.events) == 1


def test_nested_without_a_span_outside(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """Where the outermost call gets no span, nothing inside gets one."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    instrument(sklearn_nested=True, overhead_budget=0)
    for _ in range(20):
        pipeline[-1].predict(X)
        pipeline.predict(X)
    assert telemetry.spans == []
    assert telemetry.total("ml.inference.calls") == 40


def test_search_in_a_pipeline_of_three_classes(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """Deep nesting is one call of the outermost model, whose worker is known."""
    instrument()
    model = make_pipeline(StandardScaler(), GridSearchCV(OneVsRestClassifier(LogisticRegression()), {}, cv=2))
    model.fit(X, THREE).predict(X)
    span = telemetry.span("predict Pipeline")
    assert span.attributes[names.ML_MODEL_ARCHITECTURE] == "OneVsRestClassifier"
    assert span.attributes[names.ML_MODEL_TASK] == "classification"
    assert len(telemetry.spans) == 2


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_recorded_calls_count_those_inside(
    method: str, instrument: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorded call of a forest tells the budget of all calls that it passed on."""
    inner: list[int] = []
    monkeypatch.setattr(RecordingBudget, "contained", lambda _self, calls: inner.append(calls))
    instrument()
    forest = RandomForestClassifier(10, n_jobs=1).fit(X, Y)
    inner.clear()
    getattr(forest, method)(X)
    assert inner == [10 + (method == "predict")]  # `predict` calls `predict_proba`
