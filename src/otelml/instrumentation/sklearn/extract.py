"""Pure functions: what scikit-learn takes and returns -> what is counted.

Nothing is converted or consumed: an input that does not tell its size is left alone. The work is bounded by the size of
the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml._guard import guarded
from otelml.instrumentation.sklearn.identity import innermost
from otelml.observations import Outputs
from otelml.observations.scores import PROBABILITY_BOUNDS, SCORE_BOUNDS, bin_of, count_bins
from otelml.semconv.attributes import EvaluationName, ModelTask
from otelml.telemetry import Target

LABELLING = {ModelTask.CLASSIFICATION, ModelTask.CLUSTERING, ModelTask.ANOMALY_DETECTION}
"""The tasks whose predictions are classes."""

_PROBABILITIES = {"predict_proba", "predict_log_proba"}
_SCORES = {"decision_function", "score_samples"}

_FEW_ROWS = 32
_FEW_CLASSES = 16
_FEWEST_CLASSES = 4
_WIDEST_RANGE = 1024

_Labels = Mapping[Hashable, int]
_Array = npt.NDArray[Any]


@guarded
def outputs(target: Target, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> Outputs:
    """What a call returned, counted.

    Args:
        target: what the call is reported as.
        args: the host's positional arguments, the estimator first.
        kwargs: the host's keyword arguments.
        result: the host's result.
    """
    estimator, method = args[0], target.method
    rows = row_count(args, kwargs)
    if rows is None and isinstance(result, np.ndarray) and result.ndim:
        rows = len(result)
    if method == "predict":
        return Outputs(rows, classes=_label_counts(result, estimator) if target.labelled else None)
    if method in _PROBABILITIES:
        return _probabilities(rows, result, getattr(estimator, "classes_", None), log=method == "predict_log_proba")
    if method in _SCORES:
        return Outputs(rows, score_bins=_score_bins(result))
    if method == "score":
        return Outputs(rows, score=_evaluation(estimator, result))
    return Outputs(rows)


@guarded
def row_count(args: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
    """Number of samples of the argument after the estimator, None where it does not tell without being consumed."""
    data = args[1] if len(args) > 1 else kwargs.get("X")
    if isinstance(data, (list, tuple)):
        return len(data)
    shape = getattr(data, "shape", None)
    if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
        return shape[0]
    return None


@guarded
def feature_count(args: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
    """Number of features per sample of the argument after the estimator, None where it does not tell."""
    data = args[1] if len(args) > 1 else kwargs.get("X")
    if isinstance(data, (list, tuple)):
        return len(data[0]) if data and isinstance(data[0], (list, tuple)) else None
    shape = getattr(data, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[1], int):
        return shape[1]
    return None


def _label_counts(labels: Any, estimator: Any) -> _Labels | None:
    if isinstance(labels, list):
        return _counted(labels)
    if not isinstance(labels, np.ndarray) or labels.ndim != 1:
        return None
    if labels.size == 1:
        return _counted([labels.item()])
    if labels.size <= _FEW_ROWS or labels.dtype.kind == "O":
        return _counted(labels.tolist())
    # Comparing with each of a few classes is several times quicker than sorting the labels, or finding their range.
    few = _FEW_CLASSES if labels.dtype.kind not in "iub" else _FEWEST_CLASSES
    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, np.ndarray) and classes.ndim == 1 and len(classes) <= few:
        counts = {label: int(np.count_nonzero(labels == label)) for label in classes.tolist()}
        if sum(counts.values()) == labels.size:
            return {label: count for label, count in counts.items() if count}
    if labels.dtype.kind in "iub":
        lowest, highest = int(labels.min()), int(labels.max())
        if highest - lowest < _WIDEST_RANGE:
            # Differences of narrow integers may not fit into their type, nor a large unsigned one into a signed.
            wide = labels if labels.dtype.itemsize == 8 else labels.astype(np.int64)
            counts = np.bincount((wide - wide.min()).astype(np.int64, copy=False)).tolist()
            as_label = bool if labels.dtype.kind == "b" else int
            return {as_label(lowest + k): count for k, count in enumerate(counts) if count}
    values, numbers = np.unique(labels, return_counts=True)
    return dict(zip(values.tolist(), numbers.tolist(), strict=True))


def _counted(labels: list[Any]) -> _Labels | None:
    try:
        return {labels[0]: 1} if len(labels) == 1 else Counter(labels)
    except TypeError:
        return None  # labels that can't be hashed, such as the lists of a multi-label result, are no classes


def _probabilities(rows: int | None, result: Any, classes: Any, *, log: bool) -> Outputs:
    if not isinstance(result, np.ndarray) or result.ndim != 2 or not result.size or result.dtype.kind != "f":
        return Outputs(rows)
    if log:
        result = np.exp(result)
    if not isinstance(classes, np.ndarray) or classes.shape != result.shape[1:]:
        classes = None
    binary = result.shape[1] == 2
    if len(result) == 1:
        row = result[0].tolist()
        # The class that `predict` would give: the first of the largest.
        best = max(range(len(row)), key=row.__getitem__)
        score = row[1] if binary else row[best] if all(each == each for each in row) else nan
        named = classes is not None and score == score
        return Outputs(rows, {classes.tolist()[best]: 1} if named else None, {bin_of(score, PROBABILITY_BOUNDS): 1})
    scores = result[:, 1] if binary else result.max(axis=1)
    counts = None
    if classes is not None:
        known = scores == scores
        if binary:  # several times quicker than `argmax`
            second = int(np.count_nonzero(result[:, 1] > result[:, 0]))
            numbers = [int(np.count_nonzero(known)) - second, second]
        else:
            numbers = np.bincount(result.argmax(axis=1)[known]).tolist()
        counts = {label: count for label, count in zip(classes.tolist(), numbers, strict=False) if count}
    return Outputs(rows, counts, count_bins(scores, PROBABILITY_BOUNDS))


def _score_bins(result: Any) -> Mapping[str, int] | None:
    if not isinstance(result, np.ndarray) or not result.size or result.dtype.kind not in "fiu":
        return None
    if result.ndim == 2:
        result = result.max(axis=1)
    return count_bins(result, SCORE_BOUNDS) if result.ndim == 1 else None


def _evaluation(estimator: Any, result: Any) -> tuple[str, float] | None:
    if not isinstance(result, (float, np.floating)):
        return None
    scoring = vars(estimator).get("scoring")
    if isinstance(scoring, str):
        return scoring, float(result)
    owner = getattr(type(innermost(estimator)).score, "__qualname__", "").partition(".")[0]
    defaults = {"ClassifierMixin": EvaluationName.ACCURACY, "RegressorMixin": EvaluationName.R2}
    return defaults.get(owner, "score"), float(result)
