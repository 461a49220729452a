"""Train, save, load, serve: drift is found with nothing else done, and says what moved."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import otelml
from otelml.observations.profile import profile_of
from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from tests.monitors.live.conftest import Watch
from tests.support.telemetry import Telemetry

_random = np.random.default_rng(7)
X = _random.normal(size=(4000, 3))
Y = (X[:, 0] + 0.3 * _random.normal(size=4000) > 0).astype(int)
FEATURES = ("age", "income", "tenure")


def live(rows: int, seed: int = 1, **shift: float) -> Any:
    """Rows as in training, with the mean of a feature moved."""
    table = np.random.default_rng(seed).normal(size=(rows, 3))
    for name, by in shift.items():
        table[:, FEATURES.index(name)] += by
    return table


def trained(**identity: Any) -> LogisticRegression:
    """A model fitted now, as it is after a round through pickle."""
    model: LogisticRegression = LogisticRegression().fit(X, Y)
    otelml.describe(model, feature_names=FEATURES, **identity)
    copy: LogisticRegression = pickle.loads(pickle.dumps(model))
    return copy


def changes(telemetry: Telemetry, **wanted: Any) -> list[Any]:
    """The changes of state of drift checks, as (feature or type, new state)."""
    return [
        (
            event.attributes.get(names.ML_FEATURE_NAME, event.attributes[names.ML_DRIFT_TYPE]),
            event.attributes[names.ML_DRIFT_STATE],
        )
        for event in telemetry.events
        if event.name == events.ML_DRIFT_RESULT.name and wanted.items() <= event.attributes.items()
    ]


def test_a_shift_is_found_and_named(watch: Watch, telemetry: Telemetry) -> None:
    """One feature moves by a sigma: one event says which, how far, in words, and the gauges agree."""
    watch()
    model = trained(name="churn", version=3)
    for row in live(400):
        model.predict(row[None])
    assert changes(telemetry) == []
    for row in live(1200, income=1.0):
        model.predict(row[None])
    telemetry.requests()
    assert ("income", "drifted") in changes(telemetry)
    assert {feature for feature, _ in changes(telemetry)} <= {"income"}
    drifted = next(e for e in telemetry.events if e.attributes.get(names.ML_DRIFT_STATE) == "drifted")
    assert drifted.attributes[names.ML_MODEL_NAME] == "churn"
    assert drifted.attributes[names.ML_MODEL_VERSION] == "3"
    assert drifted.attributes[names.ML_DRIFT_REFERENCE_NAME] == "fit"
    assert drifted.attributes[names.ML_DRIFT_SCORE_VALUE] > drifted.attributes[names.ML_DRIFT_THRESHOLD]
    assert "income" in drifted.body
    assert drifted.severity == 13
    status = {
        (point.attributes[names.ML_FEATURE_NAME], point.attributes[names.ML_DRIFT_STATE]): point.value
        for point in telemetry.points(metrics.ML_DRIFT_STATUS.name)
        if names.ML_FEATURE_NAME in point.attributes
    }
    assert status["income", "drifted"] == 1
    assert status["income", "ok"] == 0
    assert status["age", "ok"] == 1
    assert [point.value for point in telemetry.points(metrics.ML_DRIFT_FEATURE_RATIO.name)] == [pytest.approx(1 / 3)]


def test_too_little_data_warms_up(watch: Watch, telemetry: Telemetry) -> None:
    """Before the first window is full nothing is said, and the state says so."""
    watch()
    model = trained()
    model.predict(live(20, income=5))
    states = {
        point.attributes[names.ML_DRIFT_STATE]
        for point in telemetry.points(metrics.ML_DRIFT_STATUS.name)
        if point.value and point.attributes[names.ML_DRIFT_TYPE] == "feature"
    }
    assert states == {"warming_up"}
    assert changes(telemetry) == []


def test_bins_are_counted_for_the_fleet(watch: Watch, telemetry: Telemetry) -> None:
    """Every value is in one bin, and the reference's shares add up to one."""
    watch()
    model = trained()
    model.predict(live(500))
    model.predict(live(1, seed=2))
    counted: dict[str, float] = {}
    shares: dict[str, float] = {}
    for point in telemetry.points(metrics.ML_FEATURE_VALUES.name):
        feature = point.attributes[names.ML_FEATURE_NAME]
        counted[feature] = counted.get(feature, 0) + point.value
    for point in telemetry.points(metrics.ML_FEATURE_REFERENCE_RATIO.name):
        feature = point.attributes[names.ML_FEATURE_NAME]
        shares[feature] = shares.get(feature, 0) + point.value
    assert counted == dict.fromkeys(FEATURES, 501)
    assert shares == {feature: pytest.approx(1) for feature in FEATURES}


def test_measuring_is_no_traffic(watch: Watch, telemetry: Telemetry) -> None:
    """What `score`, cross-validation and a search predict is not watched, whether it is data from training or not."""
    watch()
    model = trained(name="measured")
    strange = live(1000, income=9)
    labels = np.arange(1000) % 2
    model.score(strange, labels)
    cross_val_score(model, strange, labels, scoring="accuracy")
    cross_val_predict(model, strange, labels)
    GridSearchCV(model, {"C": [1, 2]}).fit(strange, labels)
    assert telemetry.points(metrics.ML_FEATURE_VALUES.name) == []
    assert changes(telemetry) == []


def test_rows_given_to_two_methods_are_counted_once(watch: Watch, telemetry: Telemetry) -> None:
    """An application that asks for the class and its probability of each row has not seen the row twice."""
    watch()
    model = trained()
    for row in live(250):
        model.predict(row[None])
        model.predict_proba(row[None])
    values = telemetry.points(metrics.ML_FEATURE_VALUES.name)
    assert sum(p.value for p in values if p.attributes[names.ML_FEATURE_NAME] == "age") == 250
    assert len(telemetry.points(metrics.ML_PREDICTION_CONFIDENCE.name)) == 1


def test_a_search_leaves_the_profile_on_its_best_model(watch: Watch) -> None:
    """`best_estimator_` is what is taken out and served."""
    watch()
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1, 2]})
    search.fit(X[:300], Y[:300])
    left = [profile_of(model) for model in (search, search.best_estimator_)]
    assert left[0]["reference"]["digest"] == left[1]["reference"]["digest"]  # type: ignore[index]
    assert profile_of(search.best_estimator_.steps[-1][1]) is None


def test_without_a_profile_the_first_rows_are_the_reference(watch: Watch, telemetry: Telemetry) -> None:
    """A model from elsewhere is compared with its first live rows, and telemetry says so."""
    model = LogisticRegression().fit(X, Y)
    watch(reference_rows=300)
    model.predict(live(299))
    assert [event.name for event in telemetry.events] == []
    model.predict(live(300, seed=2))
    (event,) = telemetry.events
    assert event.name == events.ML_DRIFT_REFERENCE.name
    assert event.attributes[names.ML_DRIFT_REFERENCE_NAME] == "live"
    assert event.attributes[names.ML_DRIFT_REFERENCE_STATE] == "taken"
    for start in range(0, 3000, 250):
        model.predict(live(250, seed=3 + start, age=1.5))
    assert ("x0", "drifted") in changes(telemetry, **{names.ML_DRIFT_REFERENCE_NAME: "live"})


@pytest.mark.parametrize("damage", [{"version": 99}, {"table": {"features": "nonsense"}}, {"table": {}}])
def test_a_profile_that_cannot_be_read_is_refused(damage: dict[str, Any], watch: Watch, telemetry: Telemetry) -> None:
    """A profile of a newer release or one that was tampered with breaks no call; telemetry says why it is not used."""
    expected = LogisticRegression().fit(X, Y).predict(live(150)).tolist()
    watch(reference_rows=100)
    model = trained()
    profile = profile_of(model)
    assert profile is not None
    section = {**profile["reference"], **damage}
    if "version" in damage:
        section["table"] = {**section["table"], "version": 99}
    model._otelml_profile = {**profile, "reference": section}
    assert model.predict(live(150)).tolist() == expected
    telemetry.requests()
    refused, taken = [event for event in telemetry.events if event.name == events.ML_DRIFT_REFERENCE.name]
    assert refused.attributes[names.ML_DRIFT_REFERENCE_STATE] == "refused"
    assert refused.attributes[names.ML_DRIFT_REFERENCE_REASON]
    assert taken.attributes[names.ML_DRIFT_REFERENCE_NAME] == "live"


def test_a_reference_given_by_hand(watch: Watch, telemetry: Telemetry, tmp_path: Any) -> None:
    """`describe` takes a table, or the file of a saved reference, for models that were trained elsewhere."""
    from otelml.monitors import Reference

    model = LogisticRegression().fit(X, Y)
    Reference.build(X, target=Y, feature_names=FEATURES).save(tmp_path / "churn-2026.json")
    watch()
    for given, name in ((X, "describe"), (tmp_path / "churn-2026.json", "churn-2026")):
        otelml.describe(model, name=name, reference=given)
        model.predict(live(10))
    found = {
        event.attributes[names.ML_MODEL_NAME]: event.attributes[names.ML_DRIFT_REFERENCE_NAME]
        for event in telemetry.events
    }
    assert found == {"describe": "describe", "churn-2026": "churn-2026"}


def test_predictions_and_scores_are_watched(watch: Watch, telemetry: Telemetry) -> None:
    """The first predictions are the reference for later ones: a shift of the scores is found."""
    watch(reference_rows=500)
    model = RandomForestClassifier(5, random_state=0).fit(X, Y)
    for start in range(0, 1000, 100):
        model.predict_proba(live(100, seed=start))
    assert changes(telemetry) == []
    for start in range(1000, 4000, 100):
        model.predict_proba(live(100, seed=start, age=1.0))
    assert ("score", "drifted") in changes(telemetry)


def test_values_of_a_regression_are_watched(watch: Watch, telemetry: Telemetry) -> None:
    """So are predicted values."""
    watch(reference_rows=500)
    model = LinearRegression().fit(X, X[:, 0])
    for start in range(0, 1000, 100):
        model.predict(live(100, seed=start))
    for start in range(1000, 4000, 100):
        model.predict(live(100, seed=start, age=1.0))
    assert ("prediction", "drifted") in changes(telemetry)


def test_switched_off(watch: Watch, telemetry: Telemetry) -> None:
    """With the settings off, nothing is left on a model, and nothing is watched."""
    watch(reference_at_fit=False)
    assert profile_of(LogisticRegression().fit(X, Y)) is None


def test_monitors_off(watch: Watch, telemetry: Telemetry) -> None:
    """Without monitors no metric of theirs is there."""
    watch(monitors=False)
    model = LogisticRegression().fit(X, Y)
    model.predict(live(300))
    assert profile_of(model) is None
    assert telemetry.points(metrics.ML_FEATURE_VALUES.name) == []
    assert telemetry.points(metrics.ML_DRIFT_STATUS.name) == []


@pytest.mark.parametrize("batch", [1, 50])
def test_a_row_that_two_methods_are_given_is_one_row(watch: Watch, batch: int) -> None:
    """Of an application that asks for the class and the probabilities of each row, all rows were seen, each once."""
    monitors = watch()
    model = trained()
    for rows in np.split(live(600), 600 // batch):
        model.predict(rows)
        model.predict_proba(rows)
    monitors.model_states()
    (state,) = monitors.model_states()
    assert state.share == 1
    assert sum(state.bins[0].counts) == 600
    (kept,) = monitors._watches.values()
    assert kept.sampling.seen == 600
