"""Steps of pipelines and candidates of searches, inside one fit."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otelml.semconv import attributes as names
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


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("jobs", [1, 2])
def test_candidates_of_a_search(jobs: int, telemetry: Telemetry) -> None:
    """Every candidate on every split is counted, in this process or in loky's workers, and the search is one call."""
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=2, n_jobs=jobs).fit(X, Y)
    assert tasks(telemetry) == {("candidate", None): 6}
    assert telemetry.total("ml.training.task.time") > 0
    assert telemetry.total("ml.training.runs") == 1


@pytest.mark.usefixtures("hooked")
def test_candidates_of_a_second_search(telemetry: Telemetry) -> None:
    """A search that is fitted again counts the candidates of each fit."""
    search = RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, n_iter=2, cv=2, random_state=0)
    search.fit(X, Y)
    search.fit(X, Y)
    assert tasks(telemetry) == {("candidate", None): 8}


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
