"""The context in which a model is called: spans around it, suppression, sampling, attributes of the application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import otelml
from otelml.semconv import attributes as names
from tests.instrumentation.sklearn.data import X, Y
from tests.support.telemetry import Telemetry

Instrument = Callable[..., None]


def request(telemetry: Telemetry, sampled: bool = True) -> Any:
    """A current span of the application's own."""
    provider = telemetry.tracer_provider if sampled else TracerProvider(ALWAYS_OFF, shutdown_on_exit=False)
    return provider.get_tracer("shop").start_as_current_span("request")


@pytest.mark.parametrize("budget", [0, 1])
def test_suppression(budget: int, telemetry: Telemetry, instrument: Instrument) -> None:
    """Where OpenTelemetry's instrumentation is suppressed, calls of a known model leave nothing; later ones do."""
    model = LogisticRegression().fit(X, Y)
    instrument(overhead_budget=budget)
    model.predict(X)
    with suppress_instrumentation():
        model.predict(X)
        with pytest.raises(ValueError, match="features"):
            model.predict(X[:, :1])
        make_pipeline(LogisticRegression()).fit(X, Y)
    assert telemetry.total("ml.inference.calls") == 1
    assert not telemetry.points("ml.training.runs")
    model.predict(X)
    assert telemetry.total("ml.inference.calls") == 2
    assert telemetry.total("ml.inference.samples") == 120
    assert len(telemetry.spans) == 2 * budget
    assert not telemetry.events


@pytest.mark.parametrize("budget", [0, "3%", 1])
def test_calls_in_a_recording_span_get_theirs(budget: object, telemetry: Telemetry, instrument: Instrument) -> None:
    """Inside a span that is recorded every call has a span below it, whatever the budget."""
    model = LogisticRegression().fit(X, Y)
    instrument(overhead_budget=budget)
    with request(telemetry):
        for _ in range(100):
            model.predict(X[:1])
    parent = telemetry.span("request")
    spans = [span for span in telemetry.spans if span.name == "predict LogisticRegression"]
    assert len(spans) == 100
    assert {(span.parent_id, span.trace_id) for span in spans} == {(parent.span_id, parent.trace_id)}
    assert telemetry.total("ml.inference.calls") == 100


@pytest.mark.parametrize("budget", ["3%", 1])
def test_below_a_span_that_was_sampled_out(budget: object, telemetry: Telemetry, instrument: Instrument) -> None:
    """A trace that is not recorded has no spans of ours, not even of a failure; counts and events are exact."""
    model = LogisticRegression().fit(X, Y)
    instrument(overhead_budget=budget)
    with request(telemetry, sampled=False):
        for _ in range(50):
            model.predict(X[:1])
        with pytest.raises(ValueError, match="features"):
            model.predict(X[:, :1])
    assert telemetry.spans == []
    assert telemetry.total("ml.inference.calls") == 51
    assert telemetry.total("ml.inference.predictions") == 50
    assert len(telemetry.events) == 1


@pytest.mark.parametrize("sampled", [True, False])
def test_below_a_remote_span(sampled: bool, telemetry: Telemetry, instrument: Instrument) -> None:
    """A remote parent decides: below a sampled one every call has a span, below another none."""
    model = LogisticRegression().fit(X, Y)
    instrument(overhead_budget=0)
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    remote = SpanContext(0x1234, 0x5678, is_remote=True, trace_flags=flags)
    with use_span(NonRecordingSpan(remote)):
        model.predict(X)
    assert [(span.trace_id, span.parent_id) for span in telemetry.spans] == (
        [(f"{0x1234:032x}", f"{0x5678:016x}")] if sampled else []
    )
    assert telemetry.total("ml.inference.calls") == 1


@pytest.mark.usefixtures("hooked")
def test_span_is_current_inside_the_call(telemetry: Telemetry) -> None:
    """What the application does inside its `predict` is below the call's span; then the context is its own again."""
    tracer = telemetry.tracer_provider.get_tracer("shop")

    class Looks(BaseEstimator):
        def predict(self, X: Any) -> Any:
            with tracer.start_as_current_span("look up"):
                return len(X)

        def score(self, X: Any) -> Any:
            raise LookupError

    before = get_current()
    Looks().predict(X)
    with pytest.raises(LookupError):
        Looks().score(X)
    assert get_current() is before
    with request(telemetry) as span:
        Looks().predict(X)
        assert trace.get_current_span() is span
    for inner, outer in zip(
        [it for it in telemetry.spans if it.name == "look up"],
        [it for it in telemetry.spans if it.name == "predict Looks"],
        strict=True,
    ):
        assert inner.parent_id == outer.span_id


@pytest.mark.usefixtures("hooked")
def test_calls_in_coroutines(telemetry: Telemetry) -> None:
    """Calls of tasks that take turns are outermost calls, below their own request."""
    model = LogisticRegression().fit(X, Y)

    async def handle() -> None:
        with request(telemetry):
            await asyncio.sleep(0)
            model.predict(X)
            await asyncio.sleep(0)

    async def serve() -> None:
        await asyncio.gather(*[handle() for _ in range(5)])

    asyncio.run(serve())
    parents = {span.span_id for span in telemetry.spans if span.name == "request"}
    predictions = [span for span in telemetry.spans if span.name == "predict LogisticRegression"]
    assert {span.parent_id for span in predictions} == parents
    assert len(predictions) == telemetry.total("ml.inference.calls") == 5


@pytest.mark.usefixtures("hooked")
def test_attributes_of_the_application(telemetry: Telemetry) -> None:
    """Attributes given for a block are on spans and events of the calls in it, and not on metrics."""
    telemetry.allow("shop.*")
    model = LogisticRegression().fit(X, Y)
    with otelml.attributes({"shop.order": "17", "shop.items": [1, 2]}):
        with otelml.attributes({"shop.order": "18", "shop.vip": True}):
            model.predict(X)
        with pytest.raises(ValueError, match="features"):
            model.predict(X[:, :1])
    model.predict(X)
    spans = [span for span in telemetry.spans if span.name.startswith("predict")]
    given = [{key: value for key, value in span.attributes.items() if key.startswith("shop.")} for span in spans]
    assert given == [
        {"shop.order": "18", "shop.vip": True, "shop.items": [1, 2]},
        {"shop.order": "17", "shop.items": [1, 2]},
        {},
    ]
    event = telemetry.event("ml.operation.exception")
    assert {key: value for key, value in event.attributes.items() if key.startswith("shop.")} == given[1]
    assert not [key for points in telemetry.metrics.values() for it in points for key in it.attributes if "shop" in key]


@pytest.mark.parametrize("budget", [0, 1])
def test_attributes_on_metrics(budget: int, telemetry: Telemetry, instrument: Instrument) -> None:
    """Allowed keys are on all metrics of the call; their values are bounded, and no call is lost."""
    telemetry.allow("shop.*")
    model = LogisticRegression().fit(X, Y)
    instrument(metric_attributes="shop.country,shop.vip", overhead_budget=budget)
    model.predict(X)
    for number in range(30):
        with otelml.attributes({"shop.country": f"country {number}", "shop.order": str(number)}):
            model.predict(X)
    with otelml.attributes({"shop.country": "country 3", "shop.vip": True}):
        model.predict_proba(X)
        with pytest.raises(ValueError, match="features"):
            model.predict(X[:, :1])
    model.predict(X)
    calls = telemetry.points("ml.inference.calls", {names.ML_OPERATION_METHOD: "predict"})
    countries = {it.attributes.get("shop.country"): it.value for it in calls if names.ERROR_TYPE not in it.attributes}
    assert countries == {None: 2, "_OTHER": 10} | {f"country {number}": 1 for number in range(20)}
    both = {"shop.country": "country 3", "shop.vip": "True"}
    for metric in ("ml.inference.samples", "ml.inference.time", "ml.prediction.scores"):
        assert telemetry.total(metric, both) > 0, metric
    durations = telemetry.points("ml.inference.duration", both)
    assert sum(it.count or 0 for it in durations) == 1 + budget  # a failure's is always recorded
    assert telemetry.total("ml.inference.calls", {**both, names.ERROR_TYPE: "ValueError"}) == 1
    assert not [
        key for points in telemetry.metrics.values() for it in points for key in it.attributes if "order" in key
    ]


def test_mode_of_inference(telemetry: Telemetry, instrument: Instrument) -> None:
    """The convention's own attributes can be given: the mode of inference on spans and metrics."""
    model = LogisticRegression().fit(X, Y)
    instrument(metric_attributes=names.ML_INFERENCE_MODE)
    with otelml.attributes({names.ML_INFERENCE_MODE: names.InferenceMode.BATCH}):
        model.predict(X)
    assert telemetry.span().attributes[names.ML_INFERENCE_MODE] == "batch"
    assert telemetry.total("ml.inference.calls", {names.ML_INFERENCE_MODE: "batch"}) == 1


@pytest.mark.parametrize(
    "values", [{"a": object()}, {"a": [1, "b"]}, {1: "a"}, {"": "a"}, {"a": None}, {"a": {"b": 1}}]
)
def test_wrong_attributes(values: Any) -> None:
    """Attributes that OpenTelemetry can't carry are refused where they are given."""
    with pytest.raises(TypeError, match="attribute"), otelml.attributes(values):
        pass
