"""scikit-learn, as the conformance suites see it; scikit-learn is imported in the functions only."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import otelml
from otelml.semconv.metrics import ML_INFERENCE_CALLS
from tests.conformance.hook import Hook, Host, Workload
from tests.conformance.hooks.sklearn_estimators import X, Y, define, main_class, raising, returning, subject

METHODS = (
    "fit",
    "partial_fit",
    "fit_predict",
    "fit_transform",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
    "score",
    "transform",
    "inverse_transform",
)


def _load() -> None:
    import sklearn.cluster
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.model_selection
    import sklearn.pipeline
    import sklearn.preprocessing
    import sklearn.svm  # noqa: F401


def _sites() -> Iterator[tuple[Any, str]]:
    from sklearn.base import BaseEstimator
    from sklearn.utils import parallel

    yield BaseEstimator, "__init_subclass__"
    yield parallel.Parallel, "__call__"
    yield parallel._FuncWrapper, "__call__"
    owners = {owner for cls in _subclasses(BaseEstimator) for owner in cls.__mro__}
    for owner in sorted(owners, key=lambda cls: f"{cls.__module__}.{cls.__qualname__}"):
        for name in METHODS:
            method = vars(owner).get(name)
            if isinstance(method, FunctionType) or type(method).__name__ == "_AvailableIfDescriptor":
                yield owner, name


def _subclasses(cls: type) -> Iterator[type]:
    subclasses: list[type] = cls.__subclasses__()
    for subclass in subclasses:
        yield subclass
        yield from _subclasses(subclass)


def _call(estimator: Any) -> Any:
    return estimator.predict(X)


_RECEIVE = f"""
import pickle, joblib, skops.io
X = {X}
results = {{}}
for path in folder.iterdir():
    if path.suffix == ".skops":
        subject = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    else:
        load = joblib.load if path.suffix == ".joblib" else pickle.load
        with path.open("rb") as file:
            subject = load(file)
    predict = subject if callable(subject) else subject.predict
    results[path.name] = [int(label) for label in predict(X)]
    if hasattr(subject, "predict_proba"):
        results[path.name + " probabilities"] = [round(float(row[1]), 9) for row in subject.predict_proba(X)]
"""


def _send(folder: Path) -> None:
    import cloudpickle
    import joblib
    import skops.io

    model = otelml.describe(subject(), name="churn", version=3)
    model.predict(X)
    folder.joinpath("fitted.pickle").write_bytes(pickle.dumps(model))
    folder.joinpath("method.pickle").write_bytes(pickle.dumps(model.predict))
    joblib.dump(model, folder / "fitted.joblib")
    skops.io.dump(model, folder / "fitted.skops")
    for name in ("Threshold", "Lower"):
        own = main_class(name)().fit(X)
        own.predict(X)
        folder.joinpath(f"{name}.cloudpickle").write_bytes(cloudpickle.dumps(own))


def _serve(host: Host) -> None:
    """Train once, predict in many ways, and fail."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler, model, regression = StandardScaler(), LogisticRegression(), returning([1.5, 2.5])
    host.call(scaler.fit_transform, X)
    host.call(scaler.inverse_transform, host.call(scaler.transform, X))
    host.call(model.fit, X, Y)
    host.call(model.score, X, Y)
    for rows in (X, X[:1], X[:1]):
        for predict in (model.predict, model.predict_proba, model.predict_log_proba, model.decision_function):
            host.call(predict, rows)
    host.call(model.predict, [[0.0, 1.0, 2.0]])
    host.call(raising(ValueError("no")).predict, X)
    host.call(regression.predict, X)


def _describe_and_label(host: Host) -> None:
    """Predict in a request with a described model, with attributes of the application, and with classes of its own."""
    model = subject()
    model._otelml_profile = {"version": 1, "model": {"name": "churn", "version": "3"}}
    with host.request(), otelml.attributes({"shop": "a"}):
        host.call(model.predict, X)
        host.call(raising(ValueError("no")).predict, X)
    own = define()
    host.call(own.predict, X)
    host.call(own.predict, X[:1])


def _hot_loop(host: Host) -> None:
    """Predict so often that calls are counted together, and fail in between."""
    model, broken = subject(), raising(ValueError("no"))
    for _ in range(260):
        host.call(model.predict, X[:1])
    with host.unsampled_request():
        host.call(model.predict, X[:1])
    for _ in range(3):
        host.call(model.predict, X)
        host.call(model.predict_proba, X)
        host.call(broken.predict, X)


def _search(host: Host) -> None:
    """Fit a grid search over a pipeline."""
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    search = GridSearchCV(make_pipeline(StandardScaler(), clone(define())), {}, cv=2)
    host.call(search.fit, X, Y)
    host.call(search.predict, X)


def _threads(host: Host) -> None:
    """Fit and predict with worker threads."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(2, n_jobs=2, random_state=0)
    host.call(forest.fit, X, Y)
    host.call(forest.predict_proba, X)


_EMISSION = ("budget", "collection", "context", "errors", "families", "handler", "labels", "operation", "series")
_MONITORS = (
    "chunks",
    "features",
    "intake",
    "learning",
    "outputs",
    "partial",
    "process",
    "profiled",
    "sampling",
    "watch",
)

HOOK = Hook(
    name="sklearn",
    instrumentor="otelml.instrumentation.sklearn:SklearnInstrumentor",
    library="sklearn",
    preload=(
        *(
            "numpy",
            "scipy.linalg",
            "scipy.optimize",
            "scipy.sparse.linalg",
            "scipy.special",
            "scipy.stats",
            "scipy.interpolate",
        ),
        *(
            "scipy.spatial.distance",
            "joblib",
            "pandas",
            "narwhals",
            "opentelemetry.sdk.trace",
            "opentelemetry.sdk.metrics",
        ),
    ),
    load=_load,
    sites=_sites,
    subject=subject,
    subclassing=True,
    define=define,
    call=_call,
    calls=ML_INFERENCE_CALLS,
    returning=returning,
    raising=raising,
    send=_send,
    receive=_RECEIVE,
    telemetry_modules=(
        *(f"otelml.telemetry.{name}" for name in _EMISSION),
        *(f"otelml.observations.{name}" for name in ("calls", "model", "profile", "scores")),
        *(f"otelml.monitors.live.{name}" for name in _MONITORS),
        "otelml.instrumentation.sklearn",
    ),
    passthrough=frozenset(
        {
            "otelml.instrumentation.sklearn.runtime:wrapper",
            "otelml.instrumentation.sklearn.runtime:instrumented",
            "otelml.instrumentation.sklearn.runtime:_call_recorded",
            "otelml.instrumentation.sklearn.runtime:_given",
            "otelml.instrumentation.sklearn.propagation:_dispatch",
            "otelml.instrumentation.sklearn.propagation:_Marks.all",
            "otelml.instrumentation.sklearn.propagation:_run",
            "otelml.instrumentation.sklearn.propagation:_working",
            "otelml.telemetry.context:attributes",
            "otelml.telemetry.context:_checked_name",
            "otelml.telemetry.context:_checked_value",
        }
    ),
    idle_modules=frozenset({"otelml.instrumentation.sklearn", "otelml.instrumentation.sklearn.evaluation"}),
    own_attributes=("shop",),
    workloads=(
        Workload(_serve),
        Workload(_describe_and_label, {"metric_attributes": "shop"}, observed=True),
        Workload(_hot_loop, {"overhead_budget": 0}),
        Workload(_search, {"sklearn_nested": True}),
        Workload(_threads, {"sklearn_nested": True}),
    ),
)
