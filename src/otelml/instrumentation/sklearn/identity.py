"""Who an estimator is."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from otelml._guard import guarded
from otelml.observations import ModelIdentity
from otelml.observations.model import MAX_NAME_LENGTH
from otelml.observations.profile import identity_in, profile_of
from otelml.semconv.attributes import ModelTask, SystemName

_SYSTEMS = {"xgboost": SystemName.XGBOOST, "lightgbm": SystemName.LIGHTGBM}

_TASKS = {
    "classifier": ModelTask.CLASSIFICATION,
    "regressor": ModelTask.REGRESSION,
    "clusterer": ModelTask.CLUSTERING,
    "outlier_detector": ModelTask.ANOMALY_DETECTION,
}


def identity(estimator: Any) -> ModelIdentity:
    """The identity of an estimator: what its profile says, completed with what its class tells."""
    said = identity_in(profile_of(estimator))
    worker = innermost(estimator)
    library = type(worker).__module__.partition(".")[0]
    system = _SYSTEMS.get(library)
    version = getattr(sys.modules.get(library if system else "sklearn"), "__version__", None)
    return ModelIdentity(
        name=said.get("name") or type(estimator).__name__[:MAX_NAME_LENGTH],
        version=said.get("version"),
        id=said.get("id"),
        task=said.get("task") or task(estimator),
        architecture=type(worker).__name__[:MAX_NAME_LENGTH],
        system=system or SystemName.SCIKIT_LEARN,
        system_version=version if isinstance(version, str) else None,
        feature_names=said.get("feature_names"),
    )


def innermost(estimator: Any) -> Any:
    """The estimator that does the work: the last step of a pipeline, the estimator that a search tunes."""
    for _ in range(10):
        attributes = vars(estimator)
        steps = attributes.get("steps")
        if isinstance(steps, list) and steps and isinstance(steps[-1], tuple) and hasattr(steps[-1][-1], "__dict__"):
            estimator = steps[-1][-1]
        elif {"estimator", "cv", "refit"} <= attributes.keys() and hasattr(attributes["estimator"], "__dict__"):
            estimator = attributes["estimator"]
        else:
            break
    return estimator


@guarded
def task(estimator: Any) -> str | None:
    """The task, from scikit-learn's tags (1.6 and later) or `_estimator_type` (before); None where neither tells."""
    kind = getattr(estimator, "_estimator_type", None)
    if hasattr(estimator, "__sklearn_tags__"):
        with contextlib.suppress(AttributeError):  # from the mixins, in a class that is no BaseEstimator (1.9.1)
            kind = estimator.__sklearn_tags__().estimator_type
    return _TASKS.get(kind) if isinstance(kind, str) else None
