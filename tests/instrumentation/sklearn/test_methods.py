"""Every instrumented method: its span and its metrics, by name, attribute and value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler

from otelml.instrumentation.sklearn.methods import METHODS
from otelml.semconv import attributes as names
from otelml.semconv.attributes import ModelTask, OperationName, TrainingPhase
from tests.instrumentation.sklearn.data import THREE, X, Y, on_metrics, on_span
from tests.support.telemetry import Telemetry

SCOPE = "otelml.instrumentation.sklearn"
PREFIX = {
    OperationName.FIT: "ml.training.",
    OperationName.PREDICT: "ml.inference.",
    OperationName.TRANSFORM: "ml.inference.",
    OperationName.EVALUATE: "ml.evaluation.",
}
Case = tuple[Callable[[], Any], tuple[Any, ...], "str | None"]
CASES: dict[str, Case] = {
    "fit": (LogisticRegression, (X, Y), ModelTask.CLASSIFICATION),
    "partial_fit": (SGDClassifier, (X, Y, [0, 1]), ModelTask.CLASSIFICATION),
    "fit_predict": (lambda: KMeans(2, n_init=1), (X,), ModelTask.CLUSTERING),
    "fit_transform": (StandardScaler, (X,), None),
    "predict": (lambda: LinearRegression().fit(X, Y), (X,), ModelTask.REGRESSION),
    "predict_proba": (lambda: LogisticRegression().fit(X, Y), (X,), ModelTask.CLASSIFICATION),
    "predict_log_proba": (lambda: LogisticRegression().fit(X, THREE), (X,), ModelTask.CLASSIFICATION),
    "decision_function": (lambda: LogisticRegression().fit(X, Y), (X,), ModelTask.CLASSIFICATION),
    "score_samples": (lambda: IsolationForest(n_estimators=2).fit(X), (X,), ModelTask.ANOMALY_DETECTION),
    "score": (lambda: LogisticRegression().fit(X, Y), (X, Y), ModelTask.CLASSIFICATION),
    "transform": (lambda: StandardScaler().fit(X), (X,), None),
    "inverse_transform": (lambda: StandardScaler().fit(X), (X,), None),
}


def test_every_method_has_a_case() -> None:
    """The cases below are those of the hook's table."""
    assert CASES.keys() == METHODS.keys()


@pytest.mark.parametrize("method", CASES)
def test_method(method: str, telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """One call: one span with all that is known of it, and its counts, time and duration under the same attributes."""
    make, arguments, task = CASES[method]
    estimator = make()
    instrument()
    getattr(estimator, method)(*arguments)

    cls, operation = type(estimator), METHODS[method]
    prefix = PREFIX[operation]
    rows = {
        OperationName.FIT: names.ML_DATASET_SAMPLE_COUNT,
        OperationName.EVALUATE: names.ML_EVALUATION_SAMPLE_COUNT,
    }.get(operation, names.ML_INFERENCE_BATCH_SIZE)
    about = {rows: 60}
    if operation != OperationName.EVALUATE:
        about[names.ML_INPUT_FEATURE_COUNT] = 3
    if task is not None:
        about[names.ML_MODEL_TASK] = task  # type: ignore[assignment]
    span = telemetry.span()
    described = {
        **on_span(cls.__name__, operation, method, f"{cls.__module__}.{cls.__qualname__}"),
        **about,
    }
    assert (span.name, span.kind, span.status, span.parent_id) == (
        f"{operation} {cls.__name__}",
        "internal",
        "UNSET",
        "",
    )
    assert span.attributes == described
    assert span.scope == SCOPE
    point = on_metrics(cls.__name__, operation, method)
    calls = telemetry.metrics[f"{prefix}{'calls' if prefix == 'ml.inference.' else 'runs'}"]
    assert [(it.value, it.attributes, it.scope) for it in calls] == [(1, point, SCOPE)]
    [duration] = telemetry.metrics[f"{prefix}duration"]
    assert (duration.count, duration.attributes) == (1, point)
    assert 0 < duration.value <= (span.end - span.start) / 1e9
    [time] = telemetry.metrics[f"{prefix}time"]
    phase = {names.ML_TRAINING_PHASE: TrainingPhase.FIT} if operation == OperationName.FIT else {}
    assert time.attributes == {**point, **phase}
    assert time.value == pytest.approx(duration.value)
    if prefix == "ml.inference.":
        assert [(it.value, it.attributes) for it in telemetry.metrics["ml.inference.samples"]] == [(60, point)]
    recorded = {it.attributes[names.ML_TELEMETRY_SIGNAL]: it.value for it in telemetry.metrics["ml.telemetry.recorded"]}
    assert recorded == {"duration": 1, "span": 1}


def test_arguments_by_name(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """The input's size is known when X is given by name, too."""
    instrument()
    LogisticRegression().fit(y=Y, X=X).predict(X=X)
    assert telemetry.total("ml.inference.samples") == 60
    assert telemetry.span("fit LogisticRegression").attributes[names.ML_DATASET_SAMPLE_COUNT] == 60
    assert telemetry.span("predict LogisticRegression").attributes[names.ML_INPUT_FEATURE_COUNT] == 3


@pytest.mark.usefixtures("hooked")
def test_counts_add_up(telemetry: Telemetry) -> None:
    """Counts of several calls add up by model, method and class, exactly, whatever the batch sizes."""
    model = LogisticRegression().fit(X, Y)
    labels = [label for size in (1, 2, 7, 33, 60) for label in model.predict(X[:size])]
    single = [model.predict(X[k : k + 1])[0] for k in range(60)]
    point = {names.ML_OPERATION_METHOD: "predict"}
    assert telemetry.total("ml.inference.calls", point) == 65
    assert telemetry.total("ml.inference.samples", point) == 163
    counted = {
        it.attributes[names.ML_PREDICTION_CLASS]: it.value for it in telemetry.points("ml.inference.predictions")
    }
    assert counted == {str(label): ([*labels, *single]).count(label) for label in (0, 1)}


@pytest.mark.parametrize("budget", ["0%", "1%", "3%", "100%"])
def test_counts_are_exact_whatever_the_budget(
    budget: str, telemetry: Telemetry, instrument: Callable[..., None]
) -> None:
    """A thousand calls are a thousand on the counters; the histogram has its share of them."""
    model = LogisticRegression().fit(X, Y)
    instrument(overhead_budget=budget)
    labels = [model.predict(X[k % 60 : k % 60 + 1])[0] for k in range(1000)]
    for k in range(10):
        with pytest.raises(ValueError, match="features"):
            model.predict(X[k : k + 1, :2])
    assert telemetry.total("ml.inference.calls", {names.ERROR_TYPE: "ValueError"}) == 10
    assert telemetry.total("ml.inference.calls") == 1010
    assert telemetry.total("ml.inference.samples") == 1000
    assert telemetry.total("ml.inference.predictions", {names.ML_PREDICTION_CLASS: "1"}) == np.sum(labels)
    assert telemetry.total("ml.inference.predictions") == 1000
    recorded = sum(it.count or 0 for it in telemetry.points("ml.inference.duration"))
    expected = {"0%": range(10, 11), "100%": range(1010, 1011)}.get(budget, range(30, 1011))
    assert recorded in expected


@pytest.mark.usefixtures("hooked")
def test_estimators_that_are_defined_later(telemetry: Telemetry) -> None:
    """A class that the application defines now, with a nested name, is reported by its own name and place."""

    class Own(BaseEstimator):
        def predict(self, X: Any) -> Any:
            return [0.5 for _ in X]

    Own().predict(X)
    span = telemetry.span("predict Own")
    place = f"{__name__}.test_estimators_that_are_defined_later.<locals>.Own.predict"
    assert span.attributes[names.CODE_FUNCTION_NAME] == place
    assert names.ML_MODEL_TASK not in span.attributes


@pytest.mark.usefixtures("hooked")
def test_outlier_factor(telemetry: Telemetry) -> None:
    """A mixin's `fit_predict` is one fit."""
    LocalOutlierFactor(5).fit_predict(X)
    assert telemetry.span().name == "fit LocalOutlierFactor"
    assert telemetry.total("ml.training.runs") == 1
    assert not telemetry.points("ml.inference.calls")
