"""What is particular to scikit-learn's estimators is the same with the hook as without it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.fixes import parse_version

import otelml
from otelml.instrumentation.sklearn import SklearnInstrumentor
from tests.conformance.hooks.sklearn_estimators import X, Y
from tests.support.telemetry import Telemetry

FRAME = pd.DataFrame(X, columns=["a", "b"])


@pytest.fixture
def instrumented(telemetry: Telemetry) -> Iterator[None]:
    """The hook is on."""
    SklearnInstrumentor().instrument(**telemetry.providers)
    yield
    SklearnInstrumentor().uninstrument()


def _refusal() -> tuple[str, str]:
    with pytest.raises(AttributeError) as raised:
        _ = SVC(probability=False).predict_proba
    return str(raised.value), repr(raised.value.__cause__)


def test_refusals_of_methods_are_the_same(telemetry: Telemetry) -> None:
    """A method that is not available is refused with the same words and the same cause."""
    without = _refusal()
    SklearnInstrumentor().instrument(**telemetry.providers)
    try:
        assert _refusal() == without
    finally:
        SklearnInstrumentor().uninstrument()


@pytest.mark.usefixtures("instrumented")
def test_methods_that_are_not_available() -> None:
    """`hasattr` says no where scikit-learn does, and yes as soon as the parameters allow it."""
    model = SVC(probability=False)
    search = GridSearchCV(SVC(probability=False), {"C": [1.0]})
    for estimator in (model, search, make_pipeline(StandardScaler(), SVC(probability=False))):
        assert not hasattr(estimator, "predict_proba")
        assert not hasattr(estimator, "transform")
        assert hasattr(estimator, "predict")
    model.probability = True
    assert hasattr(model, "predict_proba")


class Shift(TransformerMixin, BaseEstimator):
    """A transformer of the application, made before the hook is on."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        self.weights_ = sample_weight
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X) + 1

    def get_feature_names_out(self, names: Any = None) -> Any:
        return np.array(["a", "b"], dtype=object)


def _late_shift() -> Any:
    class LateShift(Shift):
        def transform(self, X: Any) -> Any:
            return np.asarray(X) + 2

    return LateShift()


@pytest.mark.parametrize("make", [Shift, _late_shift, StandardScaler], ids=["early", "late", "library"])
def test_set_output_outlives_the_hook(make: Callable[[], Any], telemetry: Telemetry) -> None:
    """`set_output` wraps `transform` after the hook did: it works with the hook on, and after it is off."""
    SklearnInstrumentor().instrument(**telemetry.providers)
    estimator = make().set_output(transform="pandas")
    assert isinstance(estimator.fit_transform(FRAME), pd.DataFrame)
    SklearnInstrumentor().uninstrument()
    assert isinstance(estimator.fit_transform(FRAME), pd.DataFrame)
    assert isinstance(estimator.transform(FRAME), pd.DataFrame)


@pytest.mark.usefixtures("instrumented")
def test_metadata_routing() -> None:
    """Request methods exist for early and late classes, and metadata are routed through a pipeline and a search."""
    late = _late_shift()
    with sklearn.config_context(enable_metadata_routing=True):
        for transformer in (Shift(), late):
            transformer.set_fit_request(sample_weight=True)
            model = LogisticRegression().set_fit_request(sample_weight=False)
            make_pipeline(transformer, model).fit(X, Y, sample_weight=[1.0] * 6)
            assert transformer.weights_ == [1.0] * 6
        model = LogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        search = GridSearchCV(model, {}, cv=2).fit(X, Y, sample_weight=[1.0, 0.0] * 3)
        assert search.predict(X).tolist() == [0] * 6
        with pytest.raises(TypeError, match="weight"):
            make_pipeline(Shift()).fit(X, Y, weight=[1.0] * 6)


@pytest.mark.usefixtures("instrumented")
def test_clone() -> None:
    """A clone has the parameters, and neither what was learnt nor what `describe` said."""
    model = otelml.describe(LogisticRegression(C=3.0), name="churn").fit(X, Y)
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    assert vars(copied).keys() == vars(LogisticRegression()).keys()
    described = clone(make_pipeline(model))[-1]
    assert not [name for name in vars(described) if "otelml" in name]


@pytest.mark.usefixtures("instrumented")
def test_hashes_of_models_are_stable() -> None:
    """`joblib.hash`, by which caches know a model, does not change by predicting, scoring or transforming."""
    model = otelml.describe(make_pipeline(StandardScaler(), LogisticRegression()), name="churn").fit(X, Y)
    before = joblib.hash(model)
    model.predict(X)
    model.score(X, Y)
    assert joblib.hash(model) == before


@pytest.mark.usefixtures("instrumented")
def test_unusual_classes_are_left_as_they_are() -> None:
    """Methods that are no plain functions, metaclasses and class keywords work as they did."""

    class Meta(type):
        def __setattr__(cls, name: str, value: object) -> None:
            raise TypeError("frozen")

    class Unusual(BaseEstimator, metaclass=Meta):
        def __init_subclass__(cls, *, label: str, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            type.__setattr__(cls, "label", label)

        @staticmethod
        def predict(X: Any) -> Any:
            return ["static", *X]

        @classmethod
        def transform(cls, X: Any) -> Any:
            return [cls.__name__, *X]

        @property
        def score(self) -> float:
            return 0.5

        @cached_property
        def decision_function(self) -> Callable[[Any], Any]:
            return lambda X: ["cached", *X]

        def predict_proba(self, X: Any) -> Any:
            return ["plain", *X]

    class Derived(Unusual, label="derived"):
        pass

    estimator = Derived()
    assert Derived.label == "derived"
    assert estimator.predict([1]) == ["static", 1]
    assert estimator.transform([1]) == ["Derived", 1]
    assert estimator.score == 0.5
    assert estimator.decision_function([1]) == ["cached", 1]
    assert estimator.predict_proba([1]) == ["plain", 1]


@pytest.mark.usefixtures("instrumented")
def test_a_method_of_the_instance_wins() -> None:
    """A function that the application puts on an estimator is called as it is."""
    model = LogisticRegression().fit(X, Y)
    model.predict = lambda X: "own"
    assert model.predict(X) == "own"


def test_functions_pickle_by_name(telemetry: Telemetry) -> None:
    """A method that was pickled with the hook on is the class's own after it is off."""
    SklearnInstrumentor().instrument(**telemetry.providers)
    pickled = pickle.dumps([LogisticRegression.predict, SVC.fit])
    SklearnInstrumentor().uninstrument()
    assert pickle.loads(pickled) == [LogisticRegression.predict, SVC.fit]


class Mixed(ClassifierMixin, BaseEstimator):
    """A classifier of the application's that calls its base classes."""

    def fit(self, X: Any, y: Any) -> Any:
        self.model_ = LogisticRegression().fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        return self.model_.predict(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().score(X, y, sample_weight)


CHECKED = """
import json, sys, warnings
warnings.simplefilter("ignore")
from sklearn.utils.estimator_checks import check_estimator

if sys.argv[1] == "on":
    from otelml.instrumentation.sklearn import SklearnInstrumentor
    from tests.support.telemetry import Telemetry
    telemetry = Telemetry()
    SklearnInstrumentor().instrument(**telemetry.providers)

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.conformance.test_sklearn_contract import Mixed

estimators = {
    "LogisticRegression": LogisticRegression(),
    "LinearRegression": LinearRegression(),
    "StandardScaler": StandardScaler(),
    "RandomForestClassifier": RandomForestClassifier(n_estimators=5),
    "Pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "own": Mixed(),
}
outcomes = {
    f"{name}: {check['check_name']}": check["status"]
    for name, estimator in estimators.items()
    for check in check_estimator(estimator, on_skip=None, on_fail=None)
}
if sys.argv[1] == "on":
    assert telemetry.total("ml.training.runs") > 100
print(json.dumps(outcomes))
"""


def _checks(hook: str) -> dict[str, str]:
    path = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", CHECKED, hook]
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    outcomes: dict[str, str] = json.loads(run.stdout.splitlines()[-1])
    return outcomes


@pytest.mark.slow
@pytest.mark.skipif(parse_version(sklearn.__version__) < parse_version("1.6"), reason="stops at the first failure")
def test_check_estimator_has_no_new_failures() -> None:
    """Every check of scikit-learn's for third-party estimators has the outcome that it has without the hook."""
    without, with_hook = _checks("off"), _checks("on")
    assert len(without) > 200
    assert {name: outcome for name, outcome in with_hook.items() if outcome != without.get(name)} == {}
    assert with_hook.keys() == without.keys()
