"""Makers of subjects: the same call bare, with otelml, and with telemetry written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from operator import methodcaller
from time import perf_counter
from typing import Any

from opentelemetry import context, trace
from opentelemetry.metrics import Histogram
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

from benchmarks import models
from benchmarks.alternating import Variant
from benchmarks.alternating import subject as turns_of
from benchmarks.sdk import Sdk
from benchmarks.subject import Facts, Subject

Call = Callable[[Any], object]

_ATTRIBUTES = {
    "ml.operation.name": "predict",
    "ml.operation.method": "predict",
    "ml.system.name": "scikit_learn",
    "ml.model.name": "LogisticRegression",
    "ml.model.version": "1",
}


def bare(model: str = "logistic", method: str = "predict", **where: Any) -> Subject:
    """Nothing but the SDK, idle."""
    return _subject(Sdk(), getattr(models.fitted(model), method), **where)


def otelml(
    budget: str = "3%", model: str = "logistic", method: str = "predict", *, monitors: bool = False, **where: Any
) -> Subject:
    """otelml, switched on before the model is fitted; without monitors, which have a benchmark of their own."""
    from otelml import instrument

    sdk = Sdk()
    instrument(overhead_budget=budget, monitors=monitors)
    return _subject(sdk, getattr(models.fitted(model), method), **where)


def alternating(
    budget: str = "3%", model: str = "logistic", method: str = "predict", calls: int = 500, rows: int = 1
) -> Subject:
    """The same with our methods and with scikit-learn's own, in one process."""
    from otelml import instrument

    Sdk()
    instrument(overhead_budget=budget, monitors=False)
    fitted, call = models.fitted(model), methodcaller(method, models.rows(rows))
    for _ in range(1000 // rows + 100):
        call(fitted)
    parts = [step for _, step in getattr(fitted, "steps", ())] + list(getattr(fitted, "estimators_", ()))
    return turns_of(variants(call, fitted, Methods(fitted, *parts)), calls, calls // 4 + 3)


def variants(call: Call, argument: Any, methods: Methods) -> dict[str, Variant]:
    """A call with scikit-learn's own methods, and with ours."""
    methods.put(ours=False)
    ours = Variant(call, argument, partial(methods.put, ours=True), partial(methods.put, ours=False))
    return {"bare": Variant(call, argument), "bare again": Variant(call, argument), "otelml": ours}


class Methods:
    """What we have put into scikit-learn, and what it took the place of: nothing is wrapped anew."""

    def __init__(self, *models: Any) -> None:
        """Know the methods of these models, of all models where none is given, and the functions besides."""
        from otelml.instrumentation.sklearn import evaluation, patch, propagation
        from otelml.instrumentation.sklearn.methods import METHODS

        classes = {cls for model in models for cls in type(model).__mro__}
        self._pairs: dict[tuple[Any, str], Any] = {
            key: pair for key, pair in patch._applied.items() if key[1] in METHODS and (not models or key[0] in classes)
        }
        for table in (propagation.PATCHES, evaluation.PATCHES):
            self._pairs |= {(owner, name): pair for owner, name, *pair in table._applied}

    def put(self, *, ours: bool) -> None:
        """Put ours in, or the others."""
        for (owner, name), pair in self._pairs.items():
            (type.__setattr__ if isinstance(owner, type) else setattr)(owner, name, pair[ours])


def record(**where: Any) -> Subject:
    """What one would write by hand: every duration into a histogram, with five attributes."""
    sdk = Sdk()
    predict, histogram = models.fitted("logistic").predict, _histogram(sdk)

    def call(rows: Any) -> object:
        began = perf_counter()
        result = predict(rows)
        histogram.record(perf_counter() - began, _ATTRIBUTES)
        return result

    return _subject(sdk, call, **where)


def span_and_record(**where: Any) -> Subject:
    """What one would write by hand: a current span with five attributes, and the duration into a histogram."""
    sdk = Sdk()
    predict, histogram, tracer = models.fitted("logistic").predict, _histogram(sdk), sdk.tracer

    def call(rows: Any) -> object:
        began = perf_counter()
        with tracer.start_as_current_span("predict LogisticRegression", attributes=_ATTRIBUTES):
            result = predict(rows)
            histogram.record(perf_counter() - began, _ATTRIBUTES)
        return result

    return _subject(sdk, call, **where)


def _histogram(sdk: Sdk) -> Histogram:
    bounds = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    return sdk.meter.create_histogram("hand.duration", "s", explicit_bucket_boundaries_advisory=bounds)


def _subject(
    sdk: Sdk, call: Call, rows: int = 1, features: int = 30, parent: str = "none", threads: int = 1
) -> Subject:
    """A subject.

    Args:
        sdk: what it runs under.
        call: what is timed.
        rows: of the input.
        features: of each row.
        parent: the span around every call: `none`, `recording` or `unsampled`.
        threads: how many call at once.
    """
    parents: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "none": nullcontext,
        "recording": lambda: sdk.tracer.start_as_current_span("request", kind=SpanKind.SERVER),
        "unsampled": _unsampled_request,
    }

    def facts() -> Facts:
        spans, roots = sdk.spans()
        return {"spans": spans, "roots": roots}

    return Subject(call, models.rows(rows, features), parents[parent], 100 if parent == "none" else 1, threads, facts)


@contextmanager
def _unsampled_request() -> Iterator[None]:
    """A request whose caller decided that it is not sampled."""
    parent = SpanContext(0x1234, 0x5678, is_remote=True, trace_flags=TraceFlags(0))
    with trace.use_span(NonRecordingSpan(parent)):
        assert context.get_current()
        with trace.get_tracer("benchmarks").start_as_current_span("request", kind=SpanKind.SERVER):
            yield
