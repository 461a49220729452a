"""Steps of pipelines and candidates of searches, inside one fit."""

from __future__ import annotations

import gc
import pickle
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import joblib
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otelml.semconv import attributes as names
from otelml.telemetry import Operation
from tests.instrumentation.sklearn.data import X, Y
from tests.support.telemetry import Telemetry

Instrument = Callable[..., None]

has_callbacks = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9), reason="scikit-learn has callbacks from 1.9"
)


def tasks(telemetry: Telemetry) -> dict[tuple[object, object], int]:
    """How many tasks of each type and name were counted."""
    points = telemetry.points("ml.training.tasks")
    return {
        (it.attributes[names.ML_TRAINING_TASK_TYPE], it.attributes.get(names.ML_TRAINING_TASK_NAME)): int(it.value)
        for it in points
    }


@has_callbacks
@pytest.mark.usefixtures("hooked")
def test_steps_of_a_pipeline(telemetry: Telemetry) -> None:
    """Every step of the outermost pipeline is counted by name, and takes a part of the fit's time."""
    make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    assert tasks(telemetry) == {("step", "standardscaler"): 1, ("step", "logisticregression"): 1}
    spent = telemetry.total("ml.training.task.time")
    assert 0 < spent <= telemetry.total("ml.training.time")
    assert telemetry.total("ml.training.runs") == 1


@has_callbacks
def test_steps_of_a_pipeline_that_is_fitted_again(telemetry: Telemetry, instrument: Instrument) -> None:
    """Every fit counts its steps, however many fits of one pipeline there are, and whatever is recorded of them."""
    instrument(overhead_budget=0)
    pipeline = make_pipeline(StandardScaler())
    for _ in range(30):
        pipeline.fit_transform(X)
    assert tasks(telemetry) == {("step", "standardscaler"): 30}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("jobs", [1, 2])
def test_candidates_of_a_search(jobs: int, telemetry: Telemetry) -> None:
    """Every candidate on every split is counted, in this process or in loky's workers, with its fit and its score."""

    def score(model: Any, table: Any, target: Any) -> float:
        time.sleep(0.05)
        return 1.0

    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=2, n_jobs=jobs, scoring=score).fit(X, Y)
    assert tasks(telemetry) == {("candidate", None): 6}
    assert telemetry.total("ml.training.task.time") > 0.3
    assert telemetry.total("ml.training.runs") == 1


@pytest.mark.usefixtures("hooked")
def test_candidates_of_a_second_search(telemetry: Telemetry) -> None:
    """A search that is fitted again counts the candidates of each fit."""
    search = RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, n_iter=2, cv=2, random_state=0)
    search.fit(X, Y)
    search.fit(X, Y)
    assert tasks(telemetry) == {("candidate", None): 8}


@has_callbacks
@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize(("backend", "jobs"), [("sequential", 1), ("threading", 2)])
def test_candidates_are_counted_as_they_end(backend: str, jobs: int, telemetry: Telemetry) -> None:
    """A search of hours shows how far it is: what ended in this process is counted before the search returns."""
    seen: list[dict[tuple[object, object], int]] = []

    def score(model: Any, table: Any, target: Any) -> float:
        seen.append(tasks(telemetry))
        time.sleep(0.02)  # quicker ones are counted together
        return 1.0

    with joblib.parallel_backend(backend, n_jobs=jobs):
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=2, scoring=score).fit(X, Y)
    assert len(seen) == 6
    assert 6 - jobs <= seen[-1][("candidate", None)] < 6
    assert tasks(telemetry) == {("candidate", None): 6}


@has_callbacks
@pytest.mark.usefixtures("hooked")
def test_candidates_of_a_search_that_fails(telemetry: Telemetry) -> None:
    """Of a search that raises, the candidates that it got to are counted, the failed one too."""

    def score(model: Any, table: Any, target: Any) -> float:
        return 1 / (model.C - 1.0)

    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=2, scoring=score, error_score="raise")
    with pytest.raises(ZeroDivisionError):
        search.fit(X, Y)
    assert tasks(telemetry) == {("candidate", None): 3}


@pytest.mark.usefixtures("hooked")
def test_a_search_without_a_candidate(telemetry: Telemetry) -> None:
    """A search that is refused has no tasks, rather than none of a type."""
    with pytest.raises(ValueError, match="n_splits"):
        GridSearchCV(LogisticRegression(), {"C": [0.1]}, cv=1000).fit(X, Y)
    assert tasks(telemetry) == {}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_search_inside_a_search(jobs: int, telemetry: Telemetry) -> None:
    """Only the candidates of the outermost search are counted, as they have the others in them."""
    inner = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=2)
    GridSearchCV(inner, {"estimator__max_iter": [50, 100]}, cv=2, n_jobs=jobs).fit(X, Y)
    assert tasks(telemetry) == {("candidate", None): 4}
    assert telemetry.total("ml.training.runs") == 1


@has_callbacks
def test_spans_of_candidates_on_request(telemetry: Telemetry, instrument: Instrument) -> None:
    """With nested calls on, every candidate has a span of its own below the search's."""
    instrument(sklearn_nested=True)
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
    candidates = [span for span in telemetry.spans if names.ML_TRAINING_TASK_TYPE in span.attributes]
    assert [span.attributes[names.ML_TRAINING_TASK_TYPE] for span in candidates] == ["candidate"] * 4
    # One after the other: a clock of microseconds may have the next one begin a little early.
    assert all(after.start > (before.start + before.end) / 2 for before, after in pairwise(candidates))
    (search,) = (span for span in telemetry.spans if not span.parent_id)
    assert {span.parent_id for span in candidates} == {search.span_id}


@has_callbacks
@pytest.mark.usefixtures("hooked")
def test_a_fit_is_not_kept_by_the_callbacks(telemetry: Telemetry) -> None:
    """Nothing of a fit stays in the cache of signatures where scikit-learn keeps the callbacks that it has called."""
    gc.collect()
    before = sum(type(it) is Operation for it in gc.get_objects())
    make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    gc.collect()
    assert sum(type(it) is Operation for it in gc.get_objects()) <= before


@has_callbacks
def test_spans_of_tasks_on_request(telemetry: Telemetry, instrument: Instrument) -> None:
    """With nested calls on, every step has a span of its own below the fit's."""
    instrument(sklearn_nested=True)
    make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    steps = [span for span in telemetry.spans if names.ML_TRAINING_TASK_TYPE in span.attributes]
    assert [span.attributes[names.ML_TRAINING_TASK_NAME] for span in steps] == ["standardscaler", "logisticregression"]
    (fit,) = (span for span in telemetry.spans if not span.parent_id)
    assert {span.parent_id for span in steps} == {fit.span_id}


@has_callbacks
@pytest.mark.usefixtures("hooked")
def test_own_callbacks_are_respected() -> None:
    """The user's callbacks are called as ever, and nothing of ours is left on the estimator."""
    seen: list[str] = []

    class Own:
        """A callback of the user's."""

        def setup(self, estimator: Any, context: Any) -> None:
            """Begin."""

        def teardown(self, estimator: Any, context: Any) -> None:
            """End."""

        def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
            """A task begins."""

        def on_fit_task_end(self, estimator: Any, context: Any) -> None:
            """A task ends."""
            seen.append(context.task_name)

    own = Own()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).set_callbacks(own)
    pipeline.fit(X, Y)
    assert seen == ["fit-transform-standardscaler", "fit-final-estimator", "fit"]
    assert pipeline.__dict__["_skl_callbacks"] == [own]
    bare = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    assert "_skl_callbacks" not in vars(bare)
    assert b"otelml" not in pickle.dumps(bare)


@has_callbacks
@pytest.mark.usefixtures("hooked")
def test_nothing_is_left_after_a_failing_fit() -> None:
    """A fit that raises leaves no callback on the estimator."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=-1))
    with pytest.raises(ValueError, match="The 'C' parameter"):
        pipeline.fit(X, Y)
    assert "_skl_callbacks" not in vars(pipeline)
