"""Who a model is: what was said of it, what its class tells, and how that travels with it."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import joblib
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import otelml
from otelml.observations import PROFILE_ATTRIBUTE
from otelml.semconv import attributes as names
from tests.instrumentation.sklearn.data import X, Y
from tests.support.telemetry import Telemetry

Instrument = Callable[..., None]


def called(telemetry: Telemetry) -> set[tuple[Any, Any]]:
    """Names and versions of the models whose inference calls were counted."""
    return {
        (it.attributes[names.ML_MODEL_NAME], it.attributes.get(names.ML_MODEL_VERSION))
        for it in telemetry.points("ml.inference.calls")
    }


@pytest.mark.usefixtures("hooked")
def test_described_model(telemetry: Telemetry) -> None:
    """Name, version and task are on the span, name and version on the metrics, and the span bears the name."""
    model = LogisticRegression().fit(X, Y)
    assert otelml.describe(model, name="churn", version=3, task="ranking", feature_names=["a", "b", "c"]) is model
    model.predict(X)
    span = telemetry.span("predict churn")
    assert span.attributes[names.ML_MODEL_NAME] == "churn"
    assert span.attributes[names.ML_MODEL_VERSION] == "3"
    assert span.attributes[names.ML_MODEL_TASK] == "ranking"
    assert span.attributes[names.ML_MODEL_ARCHITECTURE] == "LogisticRegression"
    assert called(telemetry) == {("churn", "3")}


@pytest.mark.usefixtures("hooked")
def test_described_between_calls(telemetry: Telemetry) -> None:
    """What is said later holds from the next call on; what is not said again stays."""
    model = LogisticRegression().fit(X, Y)
    model.predict(X)
    otelml.describe(model, name="churn")
    model.predict(X)
    otelml.describe(model, version="2026-11")
    model.predict(X)
    assert called(telemetry) == {("LogisticRegression", None), ("churn", None), ("churn", "2026-11")}
    assert telemetry.total("ml.inference.calls") == 3


@pytest.mark.usefixtures("hooked")
def test_described_before_fit(telemetry: Telemetry) -> None:
    """A model that was described before it was fitted is called so in its training, too, and after it."""
    model = otelml.describe(make_pipeline(StandardScaler(), LogisticRegression()), name="churn", version=1)
    model.fit(X, Y).predict(X)
    assert [span.name for span in telemetry.spans] == ["fit churn", "predict churn"]


@pytest.mark.usefixtures("hooked")
def test_models_of_one_name(telemetry: Telemetry) -> None:
    """Models that bear the same name and version count together; other versions count apart."""
    for version in (1, 1, 2):
        model = otelml.describe(LogisticRegression().fit(X, Y), name="churn", version=version)
        model.predict(X)
    totals = {version: telemetry.total("ml.inference.calls", {names.ML_MODEL_VERSION: version}) for version in "12"}
    assert totals == {"1": 2, "2": 1}


def _through_skops(model: Any) -> Any:
    data = skops.io.dumps(model)
    assert skops.io.get_untrusted_types(data=data) == []
    return skops.io.loads(data)


def _through_joblib(model: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": _through_joblib,
    "skops": _through_skops,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("way", WAYS)
def test_what_was_said_travels(way: str, telemetry: Telemetry) -> None:
    """A model that comes back from a file or a copy is the one that was described, by plain types only."""
    model = LogisticRegression().fit(X, Y)
    otelml.describe(model, name="churn", version=3, task="ranking", feature_names=["a", "b", "c"])
    back = WAYS[way](model)
    assert getattr(back, PROFILE_ATTRIBUTE) == getattr(model, PROFILE_ATTRIBUTE)
    back.predict(X)
    assert telemetry.span("predict churn").attributes[names.ML_MODEL_TASK] == "ranking"
    assert called(telemetry) == {("churn", "3")}


@pytest.mark.usefixtures("hooked")
def test_copies_are_described_apart(telemetry: Telemetry) -> None:
    """Saying something of a copy says nothing of the original."""
    model = otelml.describe(LogisticRegression().fit(X, Y), name="churn", version=1)
    canary = otelml.describe(copy.copy(model), version=2)
    model.predict(X)
    canary.predict(X)
    assert called(telemetry) == {("churn", "1"), ("churn", "2")}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize(
    "profile",
    [
        "text",
        {},
        {"model": None},
        {"model": {"name": 5, "version": ["x"], "task": b"y"}},
        {"model": {"name": ""}},
        {"model": {"name": "x" * 10_000}},
        [1],
    ],
)
def test_foreign_profiles(profile: Any, telemetry: Telemetry) -> None:
    """Whatever else stands under the profile's name on a model is passed over."""
    model = LogisticRegression().fit(X, Y)
    setattr(model, PROFILE_ATTRIBUTE, profile)
    model.predict(X)
    assert called(telemetry) == {("LogisticRegression", None)}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"name": ""},
        {"name": "x" * 10_000},
        {"version": ""},
        {"version": "x" * 257},
        {"task": "guessing"},
        {"task": ""},
        {"feature_names": ["a"]},
        {"feature_names": []},
    ],
    ids=lambda said: ",".join(said) or "nothing",
)
def test_wrong_values(said: dict[str, Any]) -> None:
    """Wrong values are refused in words, and nothing of them stays on the model."""
    model = LogisticRegression().fit(X, Y)
    with pytest.raises(ValueError, match=next(iter(said), "something to say")):
        otelml.describe(model, **said)
    assert not hasattr(model, PROFILE_ATTRIBUTE)


class Slotted:
    __slots__ = ()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (LogisticRegression(), {"name": 5}),
        (LogisticRegression(), {"name": b"churn"}),
        (LogisticRegression(), {"version": 1.5}),
        (LogisticRegression(), {"feature_names": "abc"}),
        (LogisticRegression(), {"feature_names": [1, 2]}),
        (LogisticRegression, {"name": "churn"}),
        (Slotted(), {"name": "churn"}),
        (None, {"name": "churn"}),
        ([], {"name": "churn"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else type(value).__name__,
)
def test_wrong_types(model: Any, said: dict[str, Any]) -> None:
    """Values and models of wrong types are refused in words."""
    with pytest.raises(TypeError):
        otelml.describe(model, **said)


@pytest.mark.usefixtures("hooked")
def test_class_with_a_long_name(telemetry: Telemetry) -> None:
    """A class name of 10,000 characters is cut."""
    cls = type("C" * 10_000, (BaseEstimator,), {"predict": lambda self, X: [0] * len(X)})
    cls().predict(X)
    assert called(telemetry) == {("C" * 256, None)}
    span = telemetry.span()
    assert span.name == "predict " + "C" * 256
    assert span.attributes[names.ML_MODEL_ARCHITECTURE] == "C" * 256


@pytest.mark.usefixtures("hooked")
def test_who_does_the_work() -> None:
    """Searches and pipelines with odd contents have an architecture, and no fault."""
    for model in (
        Pipeline([("scale", StandardScaler()), ("skip", "passthrough")]),
        GridSearchCV(Pipeline([("a", LogisticRegression())]), {}, cv=2),
    ):
        model.fit(X, Y)
        assert model.predict(X).shape == (60,) if hasattr(model, "predict") else model.transform(X).shape == (60, 3)


class Tagless(ClassifierMixin, BaseEstimator):
    """An estimator whose tags can't be read."""

    def __sklearn_tags__(self) -> Any:
        raise RuntimeError("no tags")

    def predict(self, X: Any) -> Any:
        return [0 for _ in X]


@pytest.mark.usefixtures("hooked", "contained_faults")
def test_estimator_that_does_not_tell_its_task(telemetry: Telemetry) -> None:
    """Where the tags raise, the task is unknown and the call counts."""
    assert Tagless().predict(X) == [0] * 60
    assert names.ML_MODEL_TASK not in telemetry.span().attributes
    assert telemetry.total("ml.inference.calls") == 1


@pytest.mark.usefixtures("hooked")
def test_class_of_a_mixin_only(telemetry: Telemetry) -> None:
    """A class that takes `score` from a mixin, and is no `BaseEstimator`, has no tags, and is evaluated."""

    class Loose(ClassifierMixin):
        def predict(self, X: Any) -> Any:
            return [0 for _ in X]

    assert Loose().score(X, Y) == (Y == 0).mean()
    assert telemetry.total("ml.evaluation.runs") == 1


@pytest.mark.usefixtures("hooked")
def test_steps_that_change(telemetry: Telemetry) -> None:
    """A pipeline whose last step was replaced and fitted again has the new architecture."""
    pipeline = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())]).fit(X, Y)
    pipeline.predict(X)
    pipeline.set_params(model=Tagged()).fit(X, Y).predict(X)
    spans = [span for span in telemetry.spans if span.name.startswith("predict")]
    assert [span.attributes[names.ML_MODEL_ARCHITECTURE] for span in spans] == ["LogisticRegression", "Tagged"]


class Tagged(ClassifierMixin, BaseEstimator):
    """A classifier of the application's."""

    def fit(self, X: Any, y: Any) -> Any:
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> Any:
        return [0] * len(X)


def test_too_many_models(telemetry: Telemetry, instrument: Instrument) -> None:
    """Above the limit further models are reported as one, and no call is lost."""
    instrument(max_models=3)
    for number in range(10):
        model = otelml.describe(Tagged(), name=f"model {number}", version=number)
        model.predict(X)
        model.predict(X)
    totals = {it.attributes[names.ML_MODEL_NAME]: it.value for it in telemetry.points("ml.inference.calls")}
    assert totals == {"model 0": 2, "model 1": 2, "model 2": 2, "_OTHER": 14}
    [other] = telemetry.points("ml.inference.calls", {names.ML_MODEL_NAME: "_OTHER"})
    assert names.ML_MODEL_VERSION not in other.attributes
