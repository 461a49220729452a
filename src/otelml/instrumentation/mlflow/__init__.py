"""MLflow: a model loaded from its registry bears the registry's name and version in all its telemetry."""

from __future__ import annotations

from otelml.instrumentation._base import MLInstrumentor
from otelml.instrumentation.mlflow import patch
from otelml.instrumentation.mlflow.package import REQUIRES_ANY
from otelml.settings import Settings
from otelml.telemetry import Telemetry

__all__ = ["MLflowInstrumentor"]


class MLflowInstrumentor(MLInstrumentor):
    """Names the scikit-learn, XGBoost and LightGBM models that MLflow's `load_model` functions return."""

    scope = "otelml.instrumentation.mlflow"
    requires_any = REQUIRES_ANY

    def _switch_on(self, _telemetry: Telemetry, _settings: Settings) -> None:
        patch.PATCHES.switch_on()

    def _switch_off(self) -> None:
        patch.PATCHES.switch_off()
