"""The methods that are instrumented, and the operation that each is."""

from __future__ import annotations

from otelml.semconv.attributes import OperationName

METHODS = {
    "fit": OperationName.FIT,
    "partial_fit": OperationName.FIT,
    "fit_predict": OperationName.FIT,
    "fit_transform": OperationName.FIT,
    "predict": OperationName.PREDICT,
    "predict_proba": OperationName.PREDICT,
    "predict_log_proba": OperationName.PREDICT,
    "decision_function": OperationName.PREDICT,
    "score_samples": OperationName.PREDICT,
    "score": OperationName.EVALUATE,
    "transform": OperationName.TRANSFORM,
    "inverse_transform": OperationName.TRANSFORM,
}
