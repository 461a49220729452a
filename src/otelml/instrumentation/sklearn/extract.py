"""Pure functions: what scikit-learn takes and returns -> what is counted.

Nothing is converted or consumed: an input that does not tell its size is left alone. The work is bounded by the size of
the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml._guard import guarded
from otelml.instrumentation.sklearn.measures import measure_of
from otelml.observations import Outputs
from otelml.observations.scores import PROBABILITY_BOUNDS, SCORE_BOUNDS, count_bins
from otelml.semconv.attributes import ModelTask
from otelml.telemetry import Target
from otelml.telemetry.series import Result, Tally

LABELLING = {ModelTask.CLASSIFICATION, ModelTask.CLUSTERING, ModelTask.ANOMALY_DETECTION}
"""The tasks whose predictions are classes."""

_PLAIN = {bool, float, int, str}
_FEW_ROWS = 32
_FEW_CLASSES = 16
_FEWEST_CLASSES = 4
_WIDEST_RANGE = 1024

_Labels = Mapping[Hashable, int]
_Array = npt.NDArray[Any]
_Counting = Callable[[Any, Any], Outputs]
"""Counts what a call returned, given the classes of its model, if it has any."""


@guarded
def outputs(target: Target, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> Outputs:
    """What a call returned, counted.

    Args:
        target: what the call is reported as.
        args: the host's positional arguments, the estimator first.
        kwargs: the host's keyword arguments.
        result: the host's result.
    """
    if target.labelled and type(result) is np.ndarray and result.shape == (1,):
        label = result.item()
        if type(label) in _PLAIN:  # the usual call that is recorded, several times quicker than the rest
            return Outputs(1, {label: 1})
    estimator, method = args[0], target.method
    rows = row_count(args, kwargs)
    if rows is None and isinstance(result, np.ndarray) and result.ndim:
        rows = len(result)
    counted = _counting(target)
    if counted is not None:
        return counted(result, getattr(estimator, "classes_", None))._replace(rows=rows)
    if method == "score":
        return Outputs(rows, score=_evaluation(estimator, result))
    return Outputs(rows)


def tally(target: Target) -> Tally | None:
    """What counts results that were put aside; None where they are neither classes nor scores."""
    counted = _counting(target)
    return _TALLIES[counted] if counted is not None else None


def _counting(target: Target) -> _Counting | None:
    if target.method == "predict":
        return _labels if target.labelled else None
    return _COUNTINGS.get(target.method)


def _tally(counted: _Counting) -> Tally:
    @guarded
    def tallied(results: list[Result]) -> list[Outputs]:
        alike: dict[tuple[Any, tuple[int, ...], int], tuple[Any, list[bytes]]] = {}
        for values, dtype, row, classes in results:
            alike.setdefault((dtype, row, id(classes)), (classes, []))[1].append(values)
        found: list[Outputs] = []
        for (dtype, row, _), (classes, pieces) in alike.items():
            table = np.frombuffer(b"".join(pieces), dtype).reshape(-1, *row)
            found.append(counted(table, classes)._replace(rows=len(table)))
        return found

    return tallied


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


def _labels(result: Any, classes: Any) -> Outputs:
    return Outputs(classes=_label_counts(result, classes))


def _label_counts(labels: Any, classes: Any) -> _Labels | None:
    if isinstance(labels, list):
        return _counted(labels)
    if not isinstance(labels, np.ndarray) or labels.ndim != 1:
        return None
    if labels.size <= _FEW_ROWS or labels.dtype.kind == "O":
        return _counted(labels.tolist())
    # Comparing with each of a few classes is several times quicker than sorting the labels, or finding their range.
    few = _FEW_CLASSES if labels.dtype.kind not in "iub" else _FEWEST_CLASSES
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
        return Counter(labels)
    except TypeError:
        return None  # labels that can't be hashed, such as the lists of a multi-label result, are no classes


def _log_probabilities(result: Any, classes: Any) -> Outputs:
    is_numbers = isinstance(result, np.ndarray) and result.dtype.kind == "f"
    with np.errstate(all="ignore"):  # the host may have NumPy raise in this thread
        return _probabilities(np.exp(result) if is_numbers else result, classes)


def _probabilities(result: Any, classes: Any) -> Outputs:
    if not isinstance(result, np.ndarray) or result.ndim != 2 or not result.size or result.dtype.kind != "f":
        return Outputs()
    binary = result.shape[1] == 2
    scores = result[:, 1] if binary else result.max(axis=1)
    counts = None
    if isinstance(classes, np.ndarray) and classes.shape == result.shape[1:]:
        known = scores == scores
        if binary:  # several times quicker than `argmax`
            second = int(np.count_nonzero(result[:, 1] > result[:, 0]))
            numbers = [int(np.count_nonzero(known)) - second, second]
        else:
            numbers = np.bincount(result.argmax(axis=1)[known]).tolist()
        counts = {label: count for label, count in zip(classes.tolist(), numbers, strict=False) if count}
    return Outputs(classes=counts, score_bins=count_bins(scores, PROBABILITY_BOUNDS))


def _scores(result: Any, _classes: Any) -> Outputs:
    return Outputs(score_bins=_score_bins(result))


def _score_bins(result: Any) -> Mapping[str, int] | None:
    if not isinstance(result, np.ndarray) or not result.size or result.dtype.kind not in "fiu":
        return None
    if result.ndim == 2:
        result = result.max(axis=1)
    return count_bins(result, SCORE_BOUNDS) if result.ndim == 1 else None


_COUNTINGS: dict[str, _Counting] = {
    "predict_proba": _probabilities,
    "predict_log_proba": _log_probabilities,
    "decision_function": _scores,
    "score_samples": _scores,
}
_TALLIES = {counted: _tally(counted) for counted in (_labels, *_COUNTINGS.values())}


def _evaluation(estimator: Any, result: Any) -> tuple[str, float] | None:
    if not isinstance(result, (float, np.floating)):
        return None
    return measure_of(estimator), float(result)
