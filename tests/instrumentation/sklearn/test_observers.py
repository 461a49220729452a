"""Observers are told of every outermost call, with the host's own objects."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import otelml
from otelml import settings
from otelml.instrumentation.sklearn import SklearnInstrumentor
from otelml.observations import Call, Outputs
from tests.instrumentation.sklearn.data import X, Y
from tests.support.telemetry import Telemetry


class Keeps:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def observe(self, call: Call) -> None:
        self.calls.append(call)


class Fails:
    """Can't be told anything."""

    def observe(self, call: Call) -> None:
        raise ArithmeticError


def _instrument(telemetry: Telemetry, budget: int, *observers: Any) -> SklearnInstrumentor:
    instrumentor = SklearnInstrumentor()
    in_force = settings.resolve({"overhead_budget": budget})
    instrumentor.instrument(settings=in_force, observers=observers, **telemetry.providers)
    return instrumentor


@pytest.mark.parametrize("budget", [0, 1])
def test_every_outermost_call(budget: int, telemetry: Telemetry) -> None:
    """Who was called, with what, and what came of it, whatever is recorded; calls inside a call are not told."""
    observer = Keeps()
    instrumentor = _instrument(telemetry, budget, observer)
    try:
        model = otelml.describe(make_pipeline(StandardScaler(), LogisticRegression()), name="churn", version=3)
        model.fit(X, y=Y)
        results: list[Any] = [model.predict(X[:rows]) for rows in (1, 2, 60)]
        with pytest.raises(ValueError, match="features") as raised:
            model.predict(X[:, :1])
    finally:
        instrumentor.uninstrument()
    fit, *predictions, failed = observer.calls
    assert [(call.operation, call.method) for call in observer.calls] == [("fit", "fit"), *[("predict", "predict")] * 4]
    assert {(call.model.name, call.model.version) for call in observer.calls} == {("churn", "3")}
    assert fit.arguments[0] is X
    assert fit.keywords["y"] is Y
    assert fit.result is model
    for call, result in zip(predictions, results, strict=True):
        rows = len(result)
        assert call.result is result
        assert call.outputs.rows == rows
        assert sum((call.outputs.classes or {}).values()) == rows
        assert call.duration > 0
        assert call.error is None
    assert failed.error is raised.value
    assert (failed.result, failed.outputs) == (None, Outputs())


@pytest.mark.parametrize("budget", [0, 1])
@pytest.mark.usefixtures("contained_faults")
def test_an_observer_that_fails(budget: int, telemetry: Telemetry) -> None:
    """Its fault stays with us: the host has its results, the calls are counted, and other observers are told."""
    observer = Keeps()
    model = LogisticRegression().fit(X, Y)
    expected = model.predict(X).tolist()
    instrumentor = _instrument(telemetry, budget, Fails(), observer)
    try:
        assert [model.predict(X).tolist() for _ in range(5)] == [expected] * 5
    finally:
        instrumentor.uninstrument()
    assert len(observer.calls) == 5
    assert telemetry.total("ml.inference.calls") == 5
