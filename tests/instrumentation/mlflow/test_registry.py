"""Models that come from an MLflow registry bear its name and version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import otelml
from otelml.instrumentation.mlflow import MLflowInstrumentor
from otelml.instrumentation.mlflow.patch import registered
from otelml.instrumentation.sklearn import SklearnInstrumentor
from otelml.semconv import attributes as names
from tests.instrumentation.sklearn.data import X
from tests.support.telemetry import Telemetry

LABELS = {1: (X[:, 0] > 0).astype(int), 2: (X[:, 0] < 0).astype(int)}


class Registry(NamedTuple):
    """MLflow with a registry in a file.

    `churn` has versions 1 and 2, and the alias `champion` on 1. `run` is the run that logged version 2, `folder` has a
    copy of it.
    """

    mlflow: Any
    run: str
    folder: Path


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The registry, made once: it takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DO_NOT_TRACK", "true")
        patch.chdir(folder)
        import mlflow.pyfunc
        import mlflow.sklearn

        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        for version in (1, 2):
            model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, LABELS[version])
            with mlflow.start_run() as run:
                mlflow.sklearn.log_model(model, name="model", registered_model_name="churn", pip_requirements=[])
        mlflow.MlflowClient().set_registered_model_alias("churn", "champion", "1")
        mlflow.sklearn.save_model(model, str(folder / "saved"), pip_requirements=[])
        yield Registry(mlflow, run.info.run_id, folder / "saved")
        mlflow.set_tracking_uri(None)


@pytest.fixture
def hooked(telemetry: Telemetry) -> Iterator[None]:
    """The hooks of both libraries are on."""
    MLflowInstrumentor().instrument(**telemetry.providers)
    SklearnInstrumentor().instrument(**telemetry.providers)
    yield
    SklearnInstrumentor().uninstrument()
    MLflowInstrumentor().uninstrument()


URIS = {
    "models:/churn/1": ("churn", "1"),
    "models:/churn/2": ("churn", "2"),
    "models:/churn/latest": ("churn", "2"),
    "models:/churn@champion": ("churn", "1"),
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize("flavor", ["sklearn", "pyfunc"])
def test_registered_model(flavor: str, uri: str, registry: Registry, telemetry: Telemetry) -> None:
    """Name and version are on metrics and spans, and the id on spans, whatever way the version was named."""
    name, version = URIS[uri]
    model = getattr(registry.mlflow, flavor).load_model(uri)
    assert np.mean(model.predict(X) == LABELS[int(version)]) > 0.9
    span = telemetry.span("predict churn")
    assert span.attributes[names.ML_MODEL_VERSION] == version
    assert span.attributes[names.ML_MODEL_ID] == f"models:/churn/{version}"
    assert span.attributes[names.ML_MODEL_ARCHITECTURE] == "LogisticRegression"
    point = telemetry.point("ml.inference.calls")
    assert (point.attributes[names.ML_MODEL_NAME], point.attributes[names.ML_MODEL_VERSION]) == (name, version)
    assert names.ML_MODEL_ID not in point.attributes


@pytest.mark.usefixtures("hooked")
def test_logged_model(registry: Registry, telemetry: Telemetry) -> None:
    """A model of a run has no name in the registry: its id is the URI."""
    registry.mlflow.sklearn.load_model(f"runs:/{registry.run}/model").predict(X)
    span = telemetry.span("predict Pipeline")
    assert span.attributes[names.ML_MODEL_ID] == f"runs:/{registry.run}/model"
    assert names.ML_MODEL_VERSION not in span.attributes


@pytest.mark.usefixtures("hooked")
def test_model_from_a_folder(registry: Registry, telemetry: Telemetry) -> None:
    """A model from a folder is known by its class only."""
    registry.mlflow.sklearn.load_model(str(registry.folder)).predict(X)
    registry.mlflow.sklearn.load_model(model_uri=f"file://{registry.folder}").predict(X)
    assert {span.name for span in telemetry.spans} == {"predict Pipeline"}
    assert all(names.ML_MODEL_ID not in span.attributes for span in telemetry.spans)


@pytest.mark.usefixtures("hooked")
def test_registry_over_what_was_said(registry: Registry, telemetry: Telemetry) -> None:
    """What the application says after loading holds; the rest of the registry's stays."""
    model = otelml.describe(registry.mlflow.sklearn.load_model("models:/churn/1"), name="mine")
    model.predict(X)
    assert telemetry.span("predict mine").attributes[names.ML_MODEL_VERSION] == "1"


@pytest.mark.usefixtures("hooked")
def test_models_that_do_not_exist(registry: Registry) -> None:
    """MLflow's own errors reach the application."""
    with pytest.raises(registry.mlflow.exceptions.MlflowException, match="not found"):
        registry.mlflow.sklearn.load_model("models:/nobody/1")


@pytest.mark.usefixtures("hooked")
def test_models_that_are_no_estimators(registry: Registry, tmp_path: Path) -> None:
    """A function behind pyfunc is left alone."""
    base: Any = registry.mlflow.pyfunc.PythonModel

    class Doubles(base):
        def predict(self, model_input: list[float]) -> list[float]:
            return [2 * number for number in model_input]

    registry.mlflow.pyfunc.save_model(str(tmp_path / "doubles"), python_model=Doubles(), pip_requirements=[])
    model = registry.mlflow.pyfunc.load_model(str(tmp_path / "doubles"))
    assert model.predict([1.0, 2.5]) == [2.0, 5.0]


@pytest.mark.usefixtures("hooked", "contained_faults")
def test_registry_that_is_gone(registry: Registry, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the registry does not answer after the load, the application has its model, under its class's name."""

    def gone(*_args: Any) -> Any:
        raise ConnectionError

    monkeypatch.setattr(registry.mlflow.MlflowClient, "search_model_versions", gone)
    registry.mlflow.sklearn.load_model("models:/churn/latest").predict(X)
    assert telemetry.span().name == "predict Pipeline"


def test_switched_off(registry: Registry, telemetry: Telemetry) -> None:
    """After disabling, MLflow's functions are the ones that they were."""
    before = (registry.mlflow.sklearn.load_model, registry.mlflow.pyfunc.load_model)
    MLflowInstrumentor().instrument(**telemetry.providers)
    assert registry.mlflow.sklearn.load_model is not before[0]
    MLflowInstrumentor().uninstrument()
    assert (registry.mlflow.sklearn.load_model, registry.mlflow.pyfunc.load_model) == before


@pytest.mark.parametrize(
    ("uri", "identity"),
    [
        ("models:/churn/12", {"name": "churn", "version": "12", "id": "models:/churn/12"}),
        ("models:/m-0123456789abcdef", {"id": "models:/m-0123456789abcdef"}),
        ("runs:/0123/model", {"id": "runs:/0123/model"}),
        ("s3://bucket/models:/churn/1", {}),
        ("/srv/models/churn/1", {}),
        ("file:///srv/churn/1", {}),
        ("", {}),
    ],
)
def test_uris(uri: str, identity: dict[str, str]) -> None:
    """Which URIs name a registered model, which a logged one, and which neither."""
    assert registered(uri) == identity
