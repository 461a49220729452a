"""Small data, and the attributes that every call of a model on them has."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn

from otelml.semconv import attributes as names
from otelml.semconv.attributes import SystemName

_random = np.random.default_rng(0)
X = _random.normal(size=(60, 3))
Y = (X[:, 0] + 0.3 * _random.normal(size=60) > 0).astype(int)
NAMED = np.array(["no", "yes"])[Y]
THREE = np.digitize(X[:, 0], [-0.5, 0.5])


def on_metrics(model: str, operation: str, method: str, **more: Any) -> dict[str, Any]:
    """The attributes of a model's metric points."""
    return {
        names.ML_OPERATION_NAME: operation,
        names.ML_OPERATION_METHOD: method,
        names.ML_SYSTEM_NAME: SystemName.SCIKIT_LEARN,
        names.ML_MODEL_NAME: model,
        **more,
    }


def on_span(model: str, operation: str, method: str, function: str, **more: Any) -> dict[str, Any]:
    """The attributes of a model's span, without those for the input's size."""
    return {
        **on_metrics(model, operation, method),
        names.ML_MODEL_ARCHITECTURE: model,
        names.ML_SYSTEM_VERSION: sklearn.__version__,
        names.CODE_FUNCTION_NAME: f"{function}.{method}",
        **more,
    }
