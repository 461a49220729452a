"""Worker threads and processes: what they do for a call belongs to that call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otelml.instrumentation.sklearn import SklearnInstrumentor
from otelml.semconv import attributes as names
from tests.e2e.programs import environment, run
from tests.instrumentation.sklearn.data import X, Y
from tests.support.endpoint import OtlpEndpoint
from tests.support.recorded import RecordedSpan
from tests.support.telemetry import Telemetry

Instrument = Callable[..., None]


@pytest.mark.parametrize("budget", [0, 1])
def test_forest_in_threads(budget: int, telemetry: Telemetry, instrument: Instrument) -> None:
    """The trees of a forest, in threads of their own, are no calls."""
    instrument(overhead_budget=budget)
    forest = RandomForestClassifier(10, n_jobs=2).fit(X, Y)
    for _ in range(5):
        forest.predict(X)
    forest.predict_proba(X[:1])
    assert telemetry.total("ml.training.runs") == 1
    assert telemetry.total("ml.inference.calls") == 6
    assert {it.attributes[names.ML_MODEL_NAME] for it in telemetry.points("ml.inference.calls")} == {
        "RandomForestClassifier"
    }
    assert len(telemetry.spans) == 7 * budget


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("backend", ["threading", "sequential"])
def test_search_in_threads(backend: str, telemetry: Telemetry) -> None:
    """A search with two threads is one fit; the functions around estimators make calls in any thread."""
    with parallel_config(backend, n_jobs=2 if backend == "threading" else 1):
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=2).fit(X, Y).predict(X)
        assert telemetry.total("ml.training.runs") == telemetry.total("ml.inference.calls") == 1
        cross_val_score(LogisticRegression(), X, Y, cv=3)
    assert telemetry.total("ml.training.runs") == 1 + 3
    assert telemetry.total("ml.evaluation.runs") == 3


def lineage(span: RecordedSpan, spans: list[RecordedSpan]) -> list[str]:
    """The names from a span up to its root."""
    by_id = {it.span_id: it for it in spans}
    found = [span.name]
    while span.parent_id:
        span = by_id[span.parent_id]
        found.append(span.name)
    return found


def test_nested_spans_of_threads(telemetry: Telemetry, instrument: Instrument) -> None:
    """With nested spans, those of worker threads are below the call that they work for."""
    instrument(sklearn_nested=True)
    voting = VotingClassifier(
        [("a", LogisticRegression()), ("b", make_pipeline(StandardScaler(), LogisticRegression()))]
    )
    with parallel_config("threading", n_jobs=2):
        voting.fit(X, Y)
    lineages = [lineage(span, telemetry.spans) for span in telemetry.spans if span.name == "fit LogisticRegression"]
    voting_fit = ["fit VotingClassifier", "fit VotingClassifier"]  # its `fit` calls the one of its base class
    assert sorted(lineages, key=len) == [
        ["fit LogisticRegression", *voting_fit],
        ["fit LogisticRegression", "fit Pipeline", *voting_fit],
    ]
    assert {lineage(span, telemetry.spans)[-1] for span in telemetry.spans} == {"fit VotingClassifier"}
    assert telemetry.total("ml.training.runs") == 1


def test_spans_of_the_application_in_threads(telemetry: Telemetry, instrument: Instrument) -> None:
    """A request's trace reaches the worker threads of a function called in it, and leaves them with it."""
    seen: list[str] = []

    class Looks(LogisticRegression):
        def fit(self, X: Any, y: Any) -> Any:
            with telemetry.tracer_provider.get_tracer("shop").start_as_current_span("look") as span:
                seen.append(f"{span.get_span_context().trace_id:032x}")
            return super().fit(X, y)

    instrument()
    with parallel_config("threading", n_jobs=2):
        with telemetry.tracer_provider.get_tracer("shop").start_as_current_span("request"):
            cross_val_score(Looks(), X, Y, cv=2)
        inside = set(seen)
        seen.clear()
        cross_val_score(Looks(), X, Y, cv=2)
    assert inside == {telemetry.span("request").trace_id}
    assert not inside & set(seen)


@pytest.mark.parametrize("budget", [0, "3%", 1])
def test_threads_of_the_application(budget: object, telemetry: Telemetry, instrument: Instrument) -> None:
    """Eight threads that call one model lose no call, no sample and no class."""
    model = LogisticRegression().fit(X, Y)
    labels = model.predict(X)
    instrument(overhead_budget=budget)
    start = threading.Barrier(8)

    def serve(thread: int) -> None:
        start.wait()
        for k in range(150):
            model.predict(X[k % 60 : k % 60 + 1])
        model.predict(X)
        with pytest.raises(ValueError, match="features"):
            model.predict(X[:, :1])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(serve, range(8)))
    ones = int(np.sum(labels[np.arange(150) % 60]) + np.sum(labels))
    assert telemetry.total("ml.inference.calls") == 8 * 152
    assert telemetry.total("ml.inference.calls", {names.ERROR_TYPE: "ValueError"}) == 8
    assert telemetry.total("ml.inference.samples") == 8 * 210
    assert telemetry.total("ml.inference.predictions") == 8 * 210
    assert telemetry.total("ml.inference.predictions", {names.ML_PREDICTION_CLASS: "1"}) == 8 * ones
    if budget == 1:
        assert sum(it.count or 0 for it in telemetry.points("ml.inference.duration")) == 8 * 152
        assert len(telemetry.spans) == 8 * 152


def test_switching_while_threads_predict(telemetry: Telemetry) -> None:
    """Threads that predict while the hook is switched on and off get their results; afterwards it works as ever."""
    instrumentor = SklearnInstrumentor()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    expected = model.predict(X).tolist()

    def serve(_thread: int) -> bool:
        return all(model.predict(X).tolist() == expected for _ in range(200))

    with ThreadPoolExecutor(3) as pool:
        served = [pool.submit(serve, thread) for thread in range(3)]
        while not all(it.done() for it in served):
            instrumentor.instrument(**telemetry.providers)
            instrumentor.uninstrument()
    assert [it.result() for it in served] == [True, True, True]
    before = telemetry.total("ml.inference.calls")
    model.predict(X)
    instrumentor.instrument(**telemetry.providers)
    model.predict(X)
    instrumentor.uninstrument()
    assert telemetry.total("ml.inference.calls") == before + 1


@pytest.mark.usefixtures("hooked")
def test_tasks_that_are_not_ours(telemetry: Telemetry) -> None:
    """scikit-learn's `Parallel` runs an application's own functions, and gives their results in order."""
    from sklearn.utils.parallel import Parallel, delayed

    class Squares(BaseEstimator):
        def predict(self, X: Any) -> Any:
            return Parallel(n_jobs=2, prefer="threads")(delayed(pow)(x, 2) for x in X)

        def transform(self, X: Any) -> Any:
            return list(Parallel(n_jobs=2, prefer="threads", return_as="generator")(delayed(pow)(x, 2) for x in X))

    assert Squares().predict([1, 2, 3]) == [1, 4, 9]
    assert Squares().transform([1, 2, 3]) == [1, 4, 9]
    with pytest.raises(TypeError):
        Squares().predict(["a"])
    assert telemetry.total("ml.inference.calls") == 3


SEARCH = """
import numpy as np
from opentelemetry import trace
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X = np.random.default_rng(0).normal(size=(60, 3))
pipeline = make_pipeline(StandardScaler(), LogisticRegression())
search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1.0]}, cv=2, n_jobs=2)
with trace.get_tracer("shop").start_as_current_span("job"):
    search.fit(X, X[:, 0] > 0)
print(search.best_score_)
from joblib.externals.loky import get_reusable_executor
get_reusable_executor().shutdown(wait=True)
"""


FORKED_SEARCH = """
import time
import numpy as np
from joblib import parallel_config
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

class Slow(LogisticRegression):
    def fit(self, X, y):
        time.sleep(0.15)
        return super().fit(X, y)

X = np.random.default_rng(0).normal(size=(60, 3))
with parallel_config("multiprocessing", n_jobs=2):
    GridSearchCV(Slow(), {"C": [0.1, 1.0, 10.0]}, cv=2).fit(X, X[:, 0] > 0)
"""


EXPORTED = {
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process",
    "OTEL_METRIC_EXPORT_INTERVAL": "50",
    "OTEL_PYTHON_DISTRO": "otelml",
}


def test_candidates_in_forked_workers(otlp_endpoint: OtlpEndpoint) -> None:
    """Forked workers, which have a copy of the search and export on their own, count no candidate a second time."""
    run(FORKED_SEARCH, env=environment(otlp_endpoint.environment, EXPORTED), launched=True)
    candidates = otlp_endpoint.total("ml.training.tasks", {names.ML_TRAINING_TASK_TYPE: "candidate"})
    assert candidates == 6
    assert otlp_endpoint.total("ml.training.runs") == 1


@pytest.mark.slow
@pytest.mark.parametrize("nested", [False, True])
def test_loky_workers_under_the_launcher(nested: bool, otlp_endpoint: OtlpEndpoint) -> None:
    """The launcher instruments loky's workers, too: they make no calls of their own, and nested spans have parents."""
    env = environment(otlp_endpoint.environment, EXPORTED, {"OTELML_SKLEARN_NESTED": str(nested).lower()})
    run(SEARCH, env=env, launched=True)
    assert otlp_endpoint.total("ml.training.runs") == 1
    assert not otlp_endpoint.points("ml.inference.calls")
    spans = otlp_endpoint.spans
    roots = {lineage(span, spans)[-1] for span in spans}
    assert roots == {"job"}
    fits = [span for span in spans if span.name == "fit LogisticRegression"]
    assert len(fits) == (5 if nested else 0)
    processes = {span.resource["process.pid"] for span in fits}
    assert len(processes) > 1 or not nested
