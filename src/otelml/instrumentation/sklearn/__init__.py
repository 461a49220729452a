"""scikit-learn: every estimator there is or will be, without importing it.

`fit`, `partial_fit`, `fit_predict`, `fit_transform`, `predict`, `predict_proba`, `predict_log_proba`,
`decision_function`, `score_samples`, `score`, `transform` and `inverse_transform` of every class derived from
`BaseEstimator` are seen: scikit-learn's own, pipelines and meta-estimators, classes of the application, XGBoost's and
LightGBM's. Only the outermost call counts: a grid search of 200 fits is one call.
"""

from __future__ import annotations

import sys
from types import ModuleType

from otelml.instrumentation._base import MLInstrumentor
from otelml.instrumentation._patches import OnImport
from otelml.instrumentation.sklearn.package import REQUIRES
from otelml.settings import Settings
from otelml.telemetry import Telemetry

__all__ = ["SklearnInstrumentor"]


class SklearnInstrumentor(MLInstrumentor):
    """Instruments scikit-learn.

    Example:
        >>> SklearnInstrumentor().instrument()  # tracer_provider=..., meter_provider=..., logger_provider=...
    """

    scope = "otelml.instrumentation.sklearn"
    requires = REQUIRES

    _imports: OnImport | None = None
    _wanted: tuple[Telemetry, Settings] | None = None

    def _switch_on(self, telemetry: Telemetry, settings: Settings) -> None:
        self._wanted = (telemetry, settings)
        if self._imports is None:
            self._imports = OnImport(["sklearn.base"], self._imported)
        self._imports.expect()

    def _imported(self, base: ModuleType) -> None:
        if self._wanted is None:
            return
        # Imported here: they bring numpy, which an application that does not use scikit-learn may not need.
        from otelml.instrumentation.sklearn import evaluation, patch, propagation, runtime

        telemetry, settings = self._wanted
        runtime.activate(telemetry, self._monitors, with_nested=settings.sklearn_nested)
        propagation.PATCHES.switch_on()
        evaluation.PATCHES.switch_on()
        patch.switch_on(base)

    def _switch_off(self) -> None:
        self._wanted = None
        if "sklearn.base" in sys.modules:
            from otelml.instrumentation.sklearn import evaluation, patch, propagation, runtime

            runtime.deactivate()
            evaluation.PATCHES.switch_off()
            propagation.PATCHES.switch_off()
            patch.switch_off()
