"""The same call under other products. Each runs in an environment of its own (peers.py), without otelml."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.sdk import Sdk
from benchmarks.subject import Subject


def mlflow(fit: str) -> Subject:
    """MLflow's autologging, with the model fitted `before` it is switched on or `under` it, into a local database."""
    import mlflow as library

    Sdk()
    library.set_tracking_uri("sqlite:///mlflow.db")
    model = models.fitted("logistic")
    library.sklearn.autolog(silent=True)
    if fit == "under":
        model = models.fitted("logistic")
    return Subject(model.predict, models.rows(1))


def newrelic(machine_learning: bool) -> Subject:
    """New Relic's agent, inside a background task, connected to nowhere (its developer mode)."""
    from newrelic import agent  # type: ignore[import-not-found]  # only in the peer's environment

    Sdk()
    configuration = Path("newrelic.ini")
    configuration.write_text(
        "[newrelic]\nlicense_key = none\napp_name = benchmarks\ndeveloper_mode = true\n"
        f"machine_learning.enabled = {str(machine_learning).lower()}\n",
        encoding="utf-8",
    )
    agent.initialize(str(configuration))
    application = agent.register_application(timeout=30)
    model = models.fitted("logistic")

    def task() -> AbstractContextManager[Any]:
        return agent.BackgroundTask(application, name="predict")

    return Subject(model.predict, models.rows(1), task, chunk=20)


def otel_sklearn() -> Subject:
    """The discontinued opentelemetry-instrumentation-sklearn, which refuses this scikit-learn unless forced."""
    from opentelemetry.instrumentation.sklearn import (  # type: ignore[import-not-found]  # likewise
        SklearnInstrumentor,
    )

    Sdk()
    SklearnInstrumentor().instrument(skip_dep_check=True)
    model = models.fitted("logistic")
    return Subject(model.predict, models.rows(1))
