"""Models whose calls are recorded through the hook, into the SDK of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sklearn.base import BaseEstimator

from otelml import settings
from otelml.instrumentation.sklearn import SklearnInstrumentor
from tests.support.telemetry import Telemetry

Instrument = Callable[..., None]


class Model(BaseEstimator):
    """A model that returns what it is given, and raises it when it is an exception."""

    def predict(self, X: Any) -> Any:
        """Predict."""
        if isinstance(X, BaseException):
            raise X
        return X

    def fit(self, X: Any) -> Model:
        """Fit."""
        return self


@pytest.fixture
def instrument(telemetry: Telemetry) -> Iterator[Instrument]:
    """Switches the hook on with settings, and with the test's providers unless others are given."""

    def switch_on(providers: dict[str, Any] | None = None, observers: tuple[Any, ...] = (), **values: object) -> None:
        SklearnInstrumentor().instrument(
            settings=settings.resolve(values), observers=observers, **(providers or telemetry.providers)
        )

    yield switch_on
    SklearnInstrumentor().uninstrument()
