"""`load_model` of the flavors whose models are estimators, and of pyfunc."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlparse

from otelml._guard import guarded
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.observations import MAX_NAME_LENGTH
from otelml.observations.profile import write_identity


def _load_model(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    model = function(*args, **kwargs)
    _name(function, args, kwargs, model)
    return model


@guarded
def _name(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], model: Any) -> None:
    estimator = model
    if hasattr(model, "get_raw_model"):
        with contextlib.suppress(NotImplementedError):  # what MLflow 3.17 raises where pyfunc wraps a function
            estimator = model.get_raw_model()
    base = sys.modules.get("sklearn.base")
    if base is None or not isinstance(estimator, base.BaseEstimator):
        return
    uri = inspect.signature(function).bind(*args, **kwargs).arguments.get("model_uri")
    identity = registered(uri) if isinstance(uri, str) else {}
    if identity:
        write_identity(estimator, {key: value[:MAX_NAME_LENGTH] for key, value in identity.items()})


def registered(uri: str) -> dict[str, str]:
    """Name, version and id of the model that a `models:/...` URI names; only the id of a model not in the registry."""
    parsed = urlparse(uri, allow_fragments=False)
    name, _, version = parsed.path.strip("/").partition("/")
    if parsed.scheme == "runs" or (parsed.scheme == "models" and not version and "@" not in name):
        return {"id": uri}
    if parsed.scheme != "models":
        return {}
    if not version.isdigit():
        name, version = _resolved(name, version)
    return {"name": name, "version": version, "id": f"models:/{name}/{version}"}


def _resolved(name: str, stage: str) -> tuple[str, str]:
    # The registry knows what an alias, a stage or `latest` stood for when the model was loaded, a moment ago.
    from mlflow import MlflowClient

    client = MlflowClient()
    if not stage:
        name, _, alias = name.rpartition("@")
        return name, str(client.get_model_version_by_alias(name, alias).version)
    versions = [
        int(found.version)
        for found in client.search_model_versions(f"name='{name}'")
        if stage.lower() in ("latest", str(found.current_stage).lower())
    ]
    return name, str(max(versions))


PATCHES = PatchTable(
    *(
        Patch(module, "load_model", _load_model)
        for module in ("mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.pyfunc")
    )
)
