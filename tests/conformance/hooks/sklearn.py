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
X = [[0.0, 1.0], [1.0, 0.0], [0.2, 0.8], [0.9, 0.3], [0.1, 0.7], [0.8, 0.1]]
Y = [0, 1, 0, 1, 0, 1]


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


def _subject() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(X, Y)


def _define() -> Any:
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


def _call(subject: Any) -> Any:
    return subject.predict(X)


def _returning(result: object) -> Any:
    from sklearn.base import BaseEstimator

    class Echo(BaseEstimator):
        def predict(self, X: Any) -> Any:
            return result

    return Echo()


def _raising(error: BaseException) -> Any:
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


def main_class(name: str) -> type:
    """A class that an application defines in the file that it was started with: cloudpickle sends it by value."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(_MAIN, namespace)
    cls: type = namespace[name]
    return cls


def _send(folder: Path) -> None:
    import cloudpickle
    import joblib
    import skops.io

    model = otelml.describe(_subject(), name="churn", version=3)
    model.predict(X)
    folder.joinpath("fitted.pickle").write_bytes(pickle.dumps(model))
    folder.joinpath("method.pickle").write_bytes(pickle.dumps(model.predict))
    joblib.dump(model, folder / "fitted.joblib")
    skops.io.dump(model, folder / "fitted.skops")
    for name in ("Threshold", "Lower"):
        subject = main_class(name)().fit(X)
        subject.predict(X)
        folder.joinpath(f"{name}.cloudpickle").write_bytes(cloudpickle.dumps(subject))


def _serve(host: Host) -> None:
    """Train once, predict in many ways, and fail."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler, model, regression = StandardScaler(), LogisticRegression(), _returning([1.5, 2.5])
    host.call(scaler.fit_transform, X)
    host.call(scaler.inverse_transform, host.call(scaler.transform, X))
    host.call(model.fit, X, Y)
    host.call(model.score, X, Y)
    for rows in (X, X[:1], X[:1]):
        for predict in (model.predict, model.predict_proba, model.predict_log_proba, model.decision_function):
            host.call(predict, rows)
    host.call(model.predict, [[0.0, 1.0, 2.0]])
    host.call(_raising(ValueError("no")).predict, X)
    host.call(regression.predict, X)


def _describe_and_label(host: Host) -> None:
    """Predict in a request with a described model, with attributes of the application, and with classes of its own."""
    model = _subject()
    model._otelml_profile = {"version": 1, "model": {"name": "churn", "version": "3"}}
    with host.request(), otelml.attributes({"shop": "a"}):
        host.call(model.predict, X)
        host.call(_raising(ValueError("no")).predict, X)
    own = _define()
    host.call(own.predict, X)
    host.call(own.predict, X[:1])


def _hot_loop(host: Host) -> None:
    """Predict so often that calls are counted together, and fail in between."""
    model, broken = _subject(), _raising(ValueError("no"))
    for _ in range(260):
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

    search = GridSearchCV(make_pipeline(StandardScaler(), clone(_define())), {}, cv=2)
    host.call(search.fit, X, Y)
    host.call(search.predict, X)


def _threads(host: Host) -> None:
    """Fit and predict with worker threads."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(2, n_jobs=2, random_state=0)
    host.call(forest.fit, X, Y)
    host.call(forest.predict_proba, X)


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
    subject=_subject,
    define=_define,
    call=_call,
    calls=ML_INFERENCE_CALLS,
    returning=_returning,
    raising=_raising,
    send=_send,
    receive=_RECEIVE,
    telemetry_modules=("otelml.telemetry", "otelml.observations", "otelml.instrumentation.sklearn"),
    passthrough=frozenset(
        {
            "otelml.instrumentation.sklearn.runtime:call",
            "otelml.instrumentation.sklearn.runtime:_call_recorded",
            "otelml.instrumentation.sklearn.propagation:_dispatch",
            "otelml.instrumentation.sklearn.propagation:_marked",
            "otelml.instrumentation.sklearn.propagation:_work",
            "otelml.telemetry.context:attributes",
            "otelml.telemetry.context:_checked_name",
            "otelml.telemetry.context:_checked_value",
        }
    ),
    idle_modules=frozenset({"otelml.instrumentation.sklearn", "otelml.observations.protocols"}),
    own_attributes=("shop",),
    workloads=(
        Workload(_serve),
        Workload(_describe_and_label, {"metric_attributes": "shop"}),
        Workload(_hot_loop, {"overhead_budget": 0}),
        Workload(_search, {"sklearn_nested": True}),
        Workload(_threads, {"sklearn_nested": True}),
    ),
)
