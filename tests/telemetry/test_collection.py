"""How counts are collected: by whom, how often, and what becomes of faults on the way."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry.sdk.metrics import Counter, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, NumberDataPoint

from otelml import _guard
from otelml.instrumentation.mlflow import MLflowInstrumentor
from otelml.instrumentation.sklearn import SklearnInstrumentor
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.support.telemetry import Telemetry
from tests.telemetry.conftest import Instrument, Model

CALLS = metrics.ML_INFERENCE_CALLS.name
FAULTS = metrics.ML_TELEMETRY_FAULTS.name


def counted(reader: InMemoryMetricReader, metric: str) -> list[float]:
    """The values of a metric that a reader collects now, over all of its streams."""
    data = reader.get_metrics_data()
    return [
        point.value
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for it in scope.metrics
        if it.name == metric
        for point in it.data.data_points
        if isinstance(point, NumberDataPoint)
    ]


@pytest.fixture
def _no_faults_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_guard, "_counts", {})


def predict(calls: int) -> None:
    """Make calls of a new model."""
    model = Model()
    for _ in range(calls):
        model.predict([0])


def test_counts_are_collected_again_and_again(telemetry: Telemetry, instrument: Instrument) -> None:
    """Each collection has all calls until then, also those that have only just been made."""
    instrument(overhead_budget=0)
    for total in range(1, 600):
        predict(1)
        if total % 97 == 0:
            assert counted(telemetry.metric_reader, CALLS) == [total]


def test_delta_temporality(instrument: Instrument) -> None:
    """An exporter that wants deltas gets in each collection what was added since the last, and no call twice."""
    delta: dict[type, AggregationTemporality] = dict.fromkeys(
        (Counter, ObservableCounter), AggregationTemporality.DELTA
    )
    telemetry = Telemetry(temporality=delta)
    instrument(telemetry.providers, overhead_budget=0)
    found = []
    for calls in (3, 500, 0, 7):
        predict(calls)
        found.append(sum(counted(telemetry.metric_reader, CALLS)))
    telemetry.close()
    assert found == [3, 500, 0, 7]


def test_two_readers(instrument: Instrument) -> None:
    """Two exporters of one provider each get every call."""
    readers = [InMemoryMetricReader(), InMemoryMetricReader()]
    provider = MeterProvider(readers, shutdown_on_exit=False)
    instrument({"meter_provider": provider})
    predict(40)
    assert [counted(reader, CALLS) for reader in readers] == [[40], [40]]
    predict(2)
    assert [counted(reader, CALLS) for reader in readers] == [[42], [42]]
    provider.shutdown()


def test_another_provider(telemetry: Telemetry, instrument: Instrument) -> None:
    """Switched on for another provider, calls go there, and none go to the first."""
    instrument()
    predict(4)
    SklearnInstrumentor().uninstrument()
    other = Telemetry()
    instrument(other.providers)
    predict(3)
    assert counted(other.metric_reader, CALLS) == [3]
    assert telemetry.point(CALLS).value == 4
    other.close()


@pytest.mark.usefixtures("_no_faults_yet")
def test_models_that_nobody_called_have_no_points(telemetry: Telemetry, instrument: Instrument) -> None:
    """Before the first call there is nothing to export."""
    instrument()
    Model()
    assert telemetry.metrics == {}


class Faulty:
    """An observer that fails."""

    def observe(self, call: object) -> None:
        """Fail."""
        raise LookupError("telemetry")


@pytest.mark.usefixtures("contained_faults", "_no_faults_yet")
def test_contained_faults_are_exported(telemetry: Telemetry, instrument: Instrument) -> None:
    """A fault of ours is a count by place and type, and takes no count or result with it."""
    instrument(observers=(Faulty(),))
    results: list[Any] = [Model().predict([number]) for number in range(30)]
    assert results == [[number] for number in range(30)]
    fault = telemetry.point(FAULTS)
    assert fault.value > 0
    assert fault.attributes[names.ERROR_TYPE] == "LookupError"
    assert isinstance(fault.attributes[names.ML_TELEMETRY_SITE], str)
    assert telemetry.point(CALLS).value == 30


@pytest.mark.usefixtures("contained_faults", "_no_faults_yet")
def test_faults_are_exported_once_however_many_instrumentors_there_are(
    telemetry: Telemetry, instrument: Instrument
) -> None:
    """Faults belong to the process: two instrumentors on one provider report each of them once."""
    MLflowInstrumentor().instrument(**telemetry.providers)
    try:
        instrument(observers=(Faulty(),))
        predict(1)
        assert len(counted(telemetry.metric_reader, FAULTS)) == 1
    finally:
        MLflowInstrumentor().uninstrument()


def test_collecting_while_models_come_and_go(telemetry: Telemetry, instrument: Instrument) -> None:
    """Models that are called for the first time during a collection disturb neither it nor the counts."""
    instrument(overhead_budget=0)
    ended = threading.Event()

    def collect() -> None:
        while not ended.is_set():
            telemetry.requests()

    collector = threading.Thread(target=collect)
    collector.start()
    for number in range(150):
        type(f"Model{number}", (Model,), {})().predict([0])
    ended.set()
    collector.join()
    assert len(telemetry.points(CALLS)) == 150
    assert telemetry.total(CALLS) == 150
