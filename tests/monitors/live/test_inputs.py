"""Whatever a model is given is watched, is never kept, and breaks no call."""

from __future__ import annotations

import gc
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from otelml.monitors.live.outputs import _drained
from otelml.observations.profile import profile_of
from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from tests.monitors.live.conftest import Watch
from tests.support.telemetry import Telemetry

COLUMNS = ["age", "income", "plan"]


class Zero(BaseEstimator):
    """Takes whatever it is given."""

    def fit(self, X: Any, y: Any = None) -> Zero:
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(X.shape[0] if hasattr(X, "shape") else len(X))


def frame(rows: int, seed: int = 0) -> Any:
    """A data frame with two columns of numbers and one of categories."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": random.integers(18, 80, rows),
            "income": random.lognormal(10, 1, rows),
            "plan": random.choice(["basic", "plus", "pro"], rows),
        }
    )


def numbers(rows: int, seed: int = 0) -> Any:
    """Rows of three normal numbers."""
    return np.random.default_rng(seed).normal(size=(rows, 3))


TABLES: dict[str, Callable[[int, int], Any]] = {
    "pandas": frame,
    "polars": lambda rows, seed: pl.from_pandas(frame(rows, seed)),
    "pyarrow": lambda rows, seed: pa.Table.from_pandas(frame(rows, seed)),
    "float32": lambda rows, seed: numbers(rows, seed).astype(np.float32),
    "objects": lambda rows, seed: frame(rows, seed).to_numpy(dtype=object),
    "lists": lambda rows, seed: numbers(rows, seed).tolist(),
    "sparse": lambda rows, seed: sparse.random(rows, 3, 0.4, format="csr", random_state=seed),
    "fortran": lambda rows, seed: np.asfortranarray(numbers(rows, seed)),
}


def seen(telemetry: Telemetry) -> dict[str, float]:
    """Number of live values by feature."""
    found: dict[str, float] = {}
    for point in telemetry.points(metrics.ML_FEATURE_VALUES.name):
        name = point.attributes[names.ML_FEATURE_NAME]
        found[name] = found.get(name, 0) + point.value
    return found


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_of_table(kind: str, watch: Watch, telemetry: Telemetry) -> None:
    """Rows one at a time and in batches, of the type that the model was trained on, are counted, and none drifts."""
    watch(drift_windows="200,1000")
    make = TABLES[kind]
    model = Zero().fit(make(3000, 0))
    for batch in range(4):
        model.predict(make(150, 10 + batch))
    for row in range(40):
        model.predict(make(1, 100 + row))
    found = seen(telemetry)
    assert set(found.values()) == {640.0}
    assert len(found) == 3
    assert not [event for event in telemetry.events if event.name == events.ML_DRIFT_RESULT.name]
    share = telemetry.point(metrics.ML_TELEMETRY_RECORDED.name, {names.ML_TELEMETRY_SIGNAL: "rows"})
    assert share.value == 1


def test_columns_by_name_whatever_their_order(watch: Watch, telemetry: Telemetry) -> None:
    """A frame whose columns come in another order is counted by name, and the check of the schema says so."""
    watch()
    model = Zero().fit(frame(2000))
    model.predict(frame(300, 1)[["plan", "age", "income"]])
    assert seen(telemetry) == dict.fromkeys(COLUMNS, 300)
    failed = [
        event.attributes[names.ML_DATA_QUALITY_CHECK_NAME]
        for event in telemetry.events
        if event.name == events.ML_DATA_QUALITY_RESULT.name
    ]
    assert failed == ["schema"]


STRANGE: dict[str, Any] = {
    "no rows": numbers(0),
    "one row": numbers(1),
    "fewer columns": numbers(300)[:, :2],
    "more columns": np.ones((300, 5)),
    "all NaN": np.full((300, 3), np.nan),
    "infinite": np.full((300, 3), np.inf),
    "texts": np.array([["a", "b", "c"]] * 300, dtype=object),
    "dates as strings": np.array([["2026-01-01"] * 3] * 300, dtype=object),
    "one dimension": np.ones(300),
    "three dimensions": np.ones((300, 3, 2)),
    "a generator": iter(()),
    "nothing": None,
    "a dict": {"age": [1, 2]},
    "a million categories": np.arange(900_000).reshape(-1, 3).astype(str).astype(object),
}


@pytest.mark.parametrize("what", STRANGE)
def test_no_input_breaks_a_call(what: str, watch: Watch, telemetry: Telemetry) -> None:
    """Whatever arrives, the result is the model's own, no fault is met, and later rows are counted as before."""

    class Answers(Zero):
        def predict(self, X: Any) -> Any:
            return answer

    answer = np.ones(3)
    watch()
    model = Answers().fit(numbers(2000))
    model.predict(numbers(10, 1))
    assert model.predict(STRANGE[what]) is answer
    model.predict(numbers(10, 2))
    counted = seen(telemetry)
    assert counted
    assert min(counted.values()) >= 20


def test_a_hundred_thousand_columns(watch: Watch, telemetry: Telemetry) -> None:
    """The first columns are watched, as many as the settings say, and telemetry tells that there are more."""
    watch(max_features=50, metric_features=10)
    wide = np.random.default_rng(0).normal(size=(60, 100_000))
    model = Zero().fit(wide)
    for _ in range(3):
        model.predict(wide[:20])
    assert len(seen(telemetry)) == 10
    (event,) = [event for event in telemetry.events if event.name == events.ML_DRIFT_REFERENCE.name]
    assert event.attributes[names.ML_DRIFT_REFERENCE_STATE] == "capped"
    reason = "50 of 100000 features are watched: max_features and max_profile_bytes allow no more"
    assert event.attributes[names.ML_DRIFT_REFERENCE_REASON] == reason


def test_two_dimensional_targets(watch: Watch, telemetry: Telemetry) -> None:
    """A target with two columns is profiled, and breaks nothing."""
    watch()
    model = Zero().fit(numbers(500), numbers(500)[:, :2])
    model.predict(numbers(10))
    assert seen(telemetry) == {"x0": 10, "x1": 10, "x2": 10}


def test_classes_of_two_targets(watch: Watch) -> None:
    """The classes of a row are counted together: there is no largest of two texts."""
    live = watch()
    targets = np.array([["a", "x"], ["b", "y"]] * 100)
    model = KNeighborsClassifier(1).fit(numbers(200), targets)
    for _ in range(3):
        model.predict(numbers(200))
    assert live.model_states()
    assert _drained(deque([targets[:2], targets[:1]])) == ["a, x", "b, y", "a, x"]


def test_labels_that_numpy_takes_for_one_object(watch: Watch, telemetry: Telemetry) -> None:
    """A container of the application's own that NumPy cannot read brings no labels, and breaks nothing."""

    class Series:
        def __len__(self) -> int:
            return 50

        @property
        def shape(self) -> tuple[int]:
            return (50,)

    class Scored(Zero):
        def score(self, X: Any, y: Any) -> float:
            return 0.5

    watch()
    model = Scored().fit(numbers(500))
    assert model.score(numbers(50), Series()) == 0.5
    model.predict(numbers(10))
    assert seen(telemetry) == {"x0": 10, "x1": 10, "x2": 10}


def test_a_host_that_has_numpy_raise(watch: Watch, telemetry: Telemetry) -> None:
    """Numbers near the limits are profiled, counted and compared while NumPy is to raise in the host's thread."""
    watch()
    extreme = numbers(500) * [1e300, 1e-300, 1.0]
    with np.errstate(all="raise"):
        model = Zero().fit(extreme)
        model.predict(extreme[:300])
    assert seen(telemetry) == {"x0": 300, "x1": 300, "x2": 300}


def test_nothing_of_the_hosts_is_kept(watch: Watch) -> None:
    """The arrays and the model can go when the host lets them go."""
    live = watch()
    model = Zero().fit(numbers(500))
    inputs = [numbers(1, seed) for seed in range(5)] + [numbers(40, seed) for seed in range(5)]
    gone = [weakref.ref(each) for each in inputs] + [weakref.ref(model)]
    for each in inputs:
        model.predict(each)
    del each, inputs, model
    gc.collect()
    assert [reference() for reference in gone] == [None] * 11
    assert live.model_states()


def test_a_host_that_changes_its_array_changes_no_count(watch: Watch, telemetry: Telemetry) -> None:
    """A buffer that is filled anew for every call is copied."""
    watch()
    model = Zero().fit(numbers(2000))
    for shape in ((1, 3), (5, 3)):
        buffer = np.empty(shape)
        for seed in range(60):
            buffer[:] = numbers(shape[0], seed)
            model.predict(buffer)
            buffer[:] = np.nan
    missing = [
        p for p in telemetry.points(metrics.ML_FEATURE_VALUES.name) if p.attributes[names.ML_FEATURE_BIN] == "missing"
    ]
    assert missing == []


def test_a_model_that_takes_no_attributes(watch: Watch, telemetry: Telemetry) -> None:
    """It is trained as ever; telemetry says that nothing could be left on it."""

    class Closed(Zero):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

    watch()
    Closed().fit(numbers(100))
    (event,) = telemetry.events
    assert event.attributes[names.ML_DRIFT_REFERENCE_STATE] == "refused"
    assert "takes no attributes" in event.attributes[names.ML_DRIFT_REFERENCE_REASON]


def test_the_profile_is_deterministic(watch: Watch) -> None:
    """Two trainings on the same rows leave the same profile."""
    watch()
    first, second = (LogisticRegression().fit(numbers(500), np.arange(500) % 2) for _ in range(2))
    profiles = [profile_of(model) for model in (first, second)]
    assert profiles[0]["reference"]["digest"] == profiles[1]["reference"]["digest"]  # type: ignore[index]
