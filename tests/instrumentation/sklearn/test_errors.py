"""Calls that raise: on the counters, on the span, and as an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from otelml.semconv import attributes as names
from tests.instrumentation.sklearn.data import X, Y, on_metrics
from tests.support.telemetry import Telemetry


class Odd(Exception):
    """An error of the application's, whose text can't be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Raises(ClassifierMixin, BaseEstimator):
    """Raises what it was made with."""

    def __init__(self, error: Any) -> None:
        self.error = error

    def fit(self, X: Any, y: Any = None) -> Any:
        raise self.error

    predict = score = transform = fit


OPERATIONS = {
    "fit": ("fit", "ml.training.runs", "ml.training.time", "ml.training.duration"),
    "predict": ("predict", "ml.inference.calls", "ml.inference.time", "ml.inference.duration"),
    "transform": ("transform", "ml.inference.calls", "ml.inference.time", "ml.inference.duration"),
    "score": ("evaluate", "ml.evaluation.runs", "ml.evaluation.time", "ml.evaluation.duration"),
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("method", OPERATIONS)
def test_failed_call(method: str, telemetry: Telemetry) -> None:
    """The failure has its counts under `error.type`, an ERROR span without description, and an event on that span."""
    operation, calls, time, duration = OPERATIONS[method]
    with pytest.raises(KeyError):
        getattr(Raises(KeyError("secret")), method)(X)
    failed = on_metrics("Raises", operation, method, **{names.ERROR_TYPE: "KeyError"})
    assert [(it.value, it.attributes) for it in telemetry.metrics[calls]] == [(1, failed)]
    assert [(it.count, it.attributes) for it in telemetry.metrics[duration]] == [(1, failed)]
    assert telemetry.point(time, failed).value > 0
    span = telemetry.span(f"{operation} Raises")
    assert (span.status, span.description, span.attributes[names.ERROR_TYPE]) == ("ERROR", "", "KeyError")
    event = telemetry.event("ml.operation.exception")
    assert (event.span_id, event.trace_id, event.severity) == (span.span_id, span.trace_id, 13)
    assert event.attributes[names.EXCEPTION_TYPE] == "KeyError"
    assert event.attributes[names.EXCEPTION_MESSAGE] == "'secret'"
    assert "raise self.error" in event.attributes[names.EXCEPTION_STACKTRACE]
    about = {key: value for key, value in event.attributes.items() if not key.startswith("exception.")}
    assert about.items() <= failed.items()
    assert about[names.ML_MODEL_NAME] == "Raises"
    for metric in ("ml.inference.samples", "ml.inference.predictions", "ml.evaluation.score"):
        assert not telemetry.points(metric)


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ValueError("no"), "ValueError"),
        (NotFittedError("no"), "sklearn.exceptions.NotFittedError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(1), "SystemExit"),
        (asyncio.CancelledError(), "asyncio.exceptions.CancelledError"),
        (
            type("Inner", (Exception,), {"__module__": "shop.errors", "__qualname__": "Cart.Inner"})(),
            "shop.errors.Cart.Inner",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_type_of_error(error: BaseException, name: str, telemetry: Telemetry) -> None:
    """The type is the qualified name, without the module for built-in exceptions."""
    with pytest.raises(type(error)):
        Raises(error).predict(X)
    assert telemetry.point("ml.inference.calls").attributes[names.ERROR_TYPE] == name
    assert telemetry.span().attributes[names.ERROR_TYPE] == name
    assert telemetry.event().attributes[names.EXCEPTION_TYPE] == name


@pytest.mark.usefixtures("hooked")
def test_success_and_failure_are_apart(telemetry: Telemetry) -> None:
    """Calls that returned have no error type, and all are counted; what happened before a failure is not lost."""
    model = LogisticRegression().fit(X, Y)
    for rows in range(1, 11):
        model.predict(X[:rows])
    for _ in range(3):
        with pytest.raises(ValueError, match="features"):
            model.predict(X[:, :1])
    by_error = {it.attributes.get(names.ERROR_TYPE): it.value for it in telemetry.points("ml.inference.calls")}
    assert by_error == {None: 10, "ValueError": 3}
    assert telemetry.total("ml.inference.samples") == 55
    assert len(telemetry.events) == 3


@pytest.mark.usefixtures("hooked")
def test_many_types_of_errors(telemetry: Telemetry) -> None:
    """Types of errors are bounded on metrics, and every failed call is counted."""
    for number in range(30):
        error = type(f"Error{number}", (Exception,), {})
        with pytest.raises(error):
            Raises(error()).predict(X)
    types = {it.attributes[names.ERROR_TYPE]: it.value for it in telemetry.points("ml.inference.calls")}
    assert len(types) == 21
    assert types["_OTHER"] == 10
    assert sum(types.values()) == 30


def test_messages_can_be_kept_back(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """With the setting, neither message nor stack trace leaves the process."""
    instrument(exception_messages=False)
    with pytest.raises(KeyError):
        Raises(KeyError("secret")).predict(X)
    assert telemetry.event().attributes.keys() & {names.EXCEPTION_MESSAGE, names.EXCEPTION_STACKTRACE} == set()
    assert not any("secret" in str(request) for request in telemetry.requests())


@pytest.mark.usefixtures("hooked")
def test_long_messages(telemetry: Telemetry) -> None:
    """A message that quotes the whole input is cut."""
    with pytest.raises(ValueError, match="xxx"):
        Raises(ValueError("x" * 100_000)).predict(X)
    event = telemetry.event()
    assert event.attributes[names.EXCEPTION_MESSAGE] == "x" * 1024
    assert len(event.attributes[names.EXCEPTION_STACKTRACE]) <= 16_384


@pytest.mark.usefixtures("hooked", "contained_faults")
def test_error_without_a_text(telemetry: Telemetry) -> None:
    """An exception that can't be turned into text reaches the host, and the call counts and has its span."""
    error = Odd()
    with pytest.raises(Odd) as raised:
        Raises(error).predict(X)
    assert raised.value is error
    assert telemetry.total("ml.inference.calls") == 1
    assert telemetry.span().status == "ERROR"


def test_failures_get_a_span_whatever_the_budget(telemetry: Telemetry, instrument: Callable[..., None]) -> None:
    """With nothing to spend, a failed call has its span, of the call's own length, and a duration in the histogram."""
    model = LogisticRegression().fit(X, Y)
    instrument(overhead_budget=0)
    model.predict(X)
    with pytest.raises(ValueError, match="features"):
        model.predict(X[:, :1])
    span = telemetry.span("predict LogisticRegression")
    assert span.status == "ERROR"
    [duration] = telemetry.points("ml.inference.duration")
    assert duration.count == 1
    assert (span.end - span.start) / 1e9 >= duration.value
    assert telemetry.event().span_id == span.span_id
    assert telemetry.total("ml.inference.calls") == 2
