"""What is kept of estimators: nothing that keeps them alive, and nothing of those that are gone."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import otelml
from otelml.semconv import attributes as names
from tests.instrumentation.sklearn.data import X, Y
from tests.support.telemetry import Telemetry


class Quick(ClassifierMixin, BaseEstimator):
    """Costs next to nothing."""

    def __init__(self, label: str = "a") -> None:
        self.label = label

    def predict(self, X: Any) -> Any:
        return [self.label]


class Brief(Quick):
    """Another class, whose instances are as large."""


@pytest.mark.parametrize("budget", [0, 1])
def test_estimators_are_not_kept_alive(budget: int, telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """An estimator, its data and its results are gone when the application lets go of them."""
    instrument(overhead_budget=budget)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    data, target = X.copy(), Y.copy()
    result = model.fit(data, target).predict(data)
    model.score(data, target)
    with pytest.raises(ValueError, match="features"):
        model.predict(data[:, :1])
    # pytest's own record of the exception holds its traceback.
    references = [weakref.ref(it) for it in (model, model[-1], data, target, result)]
    del model, data, target, result
    gc.collect()
    assert [reference() for reference in references] == [None] * 5


@pytest.mark.usefixtures("hooked")
def test_exceptions_are_not_kept_alive() -> None:
    """The exception of a failed call, and with it the frames of the application, is gone when it has been handled."""

    class Failure(Exception):
        pass

    class Fails(BaseEstimator):
        def predict(self, X: Any) -> Any:
            raise Failure

    reference: Any = None
    try:
        Fails().predict(X)
    except Failure as error:
        reference = weakref.ref(error)
    gc.collect()
    assert reference() is None


def _objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def test_short_lived_estimators(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """Ten thousand estimators that come and go leave nothing behind, and each of their calls is counted."""
    instrument(overhead_budget=0)
    Quick().predict(X)
    before = _objects()
    for _ in range(10):
        alive = [Quick() for _ in range(1_000)]
        for model in alive:
            model.predict(X)
    del alive, model
    assert _objects() - before < 500
    assert telemetry.total("ml.inference.calls") == 10_001


def test_models_without_end(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """Names without end, such as one a request, leave bounded state behind, and no call is lost."""
    instrument(overhead_budget=0, max_models=10)
    for number in range(50):
        otelml.describe(Quick(), name=f"early {number}").predict(X)
    before = _objects()
    for number in range(2_000):
        otelml.describe(Quick(f"label {number}"), name=f"late {number}").predict(X)
    assert _objects() - before < 500
    assert telemetry.total("ml.inference.calls") == 2_050
    assert telemetry.total("ml.inference.predictions") == 2_050


def test_addresses_are_used_again(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """An estimator that gets the memory of one that is gone is reported as itself."""
    instrument(overhead_budget=0)
    addresses = set()
    for _ in range(100):
        for model in (Quick(), Brief()):
            addresses.add(id(model))
            for _ in range(30):
                model.predict(X)
            del model
    assert len(addresses) < 200
    for name in ("Quick", "Brief"):
        assert telemetry.total("ml.inference.calls", {names.ML_MODEL_NAME: name}) == 3_000


def test_copies_share_nothing(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """A copy of an estimator that was called often is another estimator."""
    instrument(overhead_budget=0)
    model = otelml.describe(Quick(), name="first")
    for _ in range(100):
        model.predict(X)
    other = otelml.describe(copy.deepcopy(model), name="second")
    other.predict(X)
    model.predict(X)
    assert telemetry.total("ml.inference.calls", {names.ML_MODEL_NAME: "first"}) == 101
    assert telemetry.total("ml.inference.calls", {names.ML_MODEL_NAME: "second"}) == 1
