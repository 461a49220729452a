"""Which calls are recorded, as seen from outside, and what stays exact and untouched whatever is recorded."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
from opentelemetry.sdk.trace import TracerProvider

from otelml.distro.own_random import OwnIdGenerator
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.telemetry.budget import BURST
from tests.support.telemetry import Telemetry
from tests.telemetry.conftest import Instrument, Model

CALLS, DURATION = metrics.ML_INFERENCE_CALLS.name, metrics.ML_INFERENCE_DURATION.name
RECORDED = metrics.ML_TELEMETRY_RECORDED.name


def shares(telemetry: Telemetry) -> dict[object, float]:
    """The reported share by signal, of the only series there is."""
    return {it.attributes[names.ML_TELEMETRY_SIGNAL]: it.value for it in telemetry.points(RECORDED)}


def test_at_100_percent_everything_is_recorded(telemetry: Telemetry, instrument: Instrument) -> None:
    """Every call has its duration and its span, and the reported shares are 1."""
    instrument(overhead_budget="100%")
    for _ in range(200):
        Model().predict([0])
    assert telemetry.point(DURATION).count == len(telemetry.spans) == 200
    assert shares(telemetry) == {"duration": 1, "span": 1}


def test_at_0_percent_only_counts_are_left(telemetry: Telemetry, instrument: Instrument) -> None:
    """No duration and no span is recorded, and no call is missing from the counts."""
    instrument(overhead_budget="0%")
    for _ in range(500):
        Model().predict([0, 1])
    assert telemetry.point(CALLS).value == 500
    assert telemetry.point(metrics.ML_INFERENCE_SAMPLES.name).value == 1000
    assert telemetry.point(metrics.ML_INFERENCE_TIME.name).value > 0
    assert not telemetry.points(DURATION)
    assert not telemetry.spans
    assert shares(telemetry) == {"duration": 0, "span": 0}


def test_errors_get_a_span_without_a_budget(telemetry: Telemetry, instrument: Instrument) -> None:
    """Each failed call has its span, event and duration, however many calls are not recorded."""
    instrument(overhead_budget="0%")
    model = Model()
    for number in range(300):
        model.predict([0])
        if number % 100 == 50:
            with pytest.raises(LookupError):
                model.predict(LookupError("no"))
    assert [span.status for span in telemetry.spans] == ["ERROR"] * 3
    assert [event.span_id for event in telemetry.events] == [span.span_id for span in telemetry.spans]
    failed = {names.ERROR_TYPE: "LookupError"}
    assert telemetry.point(CALLS, failed).value == telemetry.point(DURATION, failed).count == 3
    assert telemetry.total(CALLS) == 303


def test_the_first_calls_of_each_model_and_operation_are_seen(telemetry: Telemetry, instrument: Instrument) -> None:
    """A model that is called after thousands of calls of another has its first calls recorded like any."""
    instrument(overhead_budget="1%")
    busy = Model()
    for _ in range(3000):
        busy.predict([0])

    class Other(Model):
        pass

    for model in (Other(), Model()):
        for _ in range(BURST):
            model.predict([0]), model.fit([0])
    other = {names.ML_MODEL_NAME: "Other"}
    assert telemetry.point(DURATION, other).count == BURST
    fits = telemetry.points(metrics.ML_TRAINING_DURATION.name)
    assert [it.count for it in fits] == [BURST, BURST]
    assert sum(span.name == "predict Other" for span in telemetry.spans) == BURST


def test_the_reported_share_is_that_of_the_calls(telemetry: Telemetry, instrument: Instrument) -> None:
    """Where the share in force is 1 or 0 all or none are recorded; in between, fewer than all, and some."""
    instrument(overhead_budget="20%")
    model = Model()
    for _ in range(20_000):
        model.predict([0])
    share = shares(telemetry)["duration"]
    recorded = telemetry.point(DURATION).count or 0
    assert 0 < share < 1
    assert BURST < recorded < 20_000


def test_random_numbers_of_the_application_stay_the_same(telemetry: Telemetry, instrument: Instrument) -> None:
    """Seeded draws are the same with the hook as without it: the budget draws from a generator of its own.

    The SDK's own ids are drawn from the application's numbers; tests/distro holds that those of our providers are not.
    """

    def draws() -> list[float]:
        random.seed(3)
        np.random.seed(3)
        model, drawn = Model(), []
        for _ in range(300):
            model.predict([0])
            drawn += [random.random(), float(np.random.rand())]
        return drawn

    without = draws()
    ids = {"tracer_provider": TracerProvider(id_generator=OwnIdGenerator(), shutdown_on_exit=False)}
    instrument({**telemetry.providers, **ids}, overhead_budget="5%")
    assert draws() == without


def test_threads_lose_no_call(telemetry: Telemetry, instrument: Instrument) -> None:
    """Counts are exact when eight threads predict at once and others collect, fail and fit in between."""
    instrument()
    model, start = Model(), threading.Barrier(9)

    def work() -> None:
        start.wait()
        for number in range(2000):
            model.predict([0, 0])
            if number % 500 == 0:
                with pytest.raises(ValueError, match="no"):
                    model.predict(ValueError("no"))
                model.fit([0])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    start.wait()
    while any(thread.is_alive() for thread in threads):
        telemetry.requests()
    for thread in threads:
        thread.join()
    failed = telemetry.point(CALLS, {names.ERROR_TYPE: "ValueError"}).value
    assert failed == 32
    assert telemetry.total(CALLS) - failed == 16_000
    assert telemetry.point(metrics.ML_INFERENCE_SAMPLES.name).value == 32_000
    assert telemetry.point(metrics.ML_TRAINING_RUNS.name).value == 32
