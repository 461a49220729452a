"""XGBoost's and LightGBM's estimators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm
import pytest
import xgboost
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otelml.semconv import attributes as names
from otelml.semconv.attributes import SystemName
from tests.instrumentation.sklearn.data import X, Y
from tests.support.telemetry import Telemetry

MAKERS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "XGBClassifier": (lambda: xgboost.XGBClassifier(n_estimators=2), SystemName.XGBOOST, xgboost.__version__),
    "XGBRegressor": (lambda: xgboost.XGBRegressor(n_estimators=2), SystemName.XGBOOST, xgboost.__version__),
    "LGBMClassifier": (
        lambda: lightgbm.LGBMClassifier(n_estimators=2, verbose=-1),
        SystemName.LIGHTGBM,
        lightgbm.__version__,
    ),
    "LGBMRegressor": (
        lambda: lightgbm.LGBMRegressor(n_estimators=2, verbose=-1),
        SystemName.LIGHTGBM,
        lightgbm.__version__,
    ),
}


@pytest.mark.usefixtures("hooked")
@pytest.mark.parametrize("model", MAKERS)
def test_boosters(model: str, telemetry: Telemetry) -> None:
    """One call each, with the library's name and version, and classes and scores for classifiers."""
    make, system, version = MAKERS[model]
    estimator = make().fit(X, Y)
    labels = estimator.predict(X)
    assert [span.name for span in telemetry.spans] == [f"fit {model}", f"predict {model}"]
    for span in telemetry.spans:
        assert span.attributes[names.ML_SYSTEM_NAME] == system
        assert span.attributes[names.ML_SYSTEM_VERSION] == version
        assert span.attributes[names.ML_MODEL_TASK] == ("classification" if "Class" in model else "regression")
    assert telemetry.point("ml.inference.calls").attributes[names.ML_SYSTEM_NAME] == system
    if "Classifier" in model:
        counted = {
            it.attributes[names.ML_PREDICTION_CLASS]: it.value for it in telemetry.points("ml.inference.predictions")
        }
        assert counted == {str(label): list(labels).count(label) for label in set(labels.tolist())}
        estimator.predict_proba(X)
        assert telemetry.total("ml.prediction.scores") == 60
    else:
        assert not telemetry.points("ml.inference.predictions")


@pytest.mark.usefixtures("hooked")
def test_booster_inside(telemetry: Telemetry) -> None:
    """In a pipeline and a search, the booster is the one that does the work."""
    booster = xgboost.XGBClassifier(n_estimators=2)
    GridSearchCV(make_pipeline(StandardScaler(), booster), {}, cv=2).fit(X, Y).predict(X)
    span = telemetry.span("predict GridSearchCV")
    assert span.attributes[names.ML_SYSTEM_NAME] == SystemName.XGBOOST
    assert span.attributes[names.ML_MODEL_ARCHITECTURE] == "XGBClassifier"
    assert len(telemetry.spans) == 2
