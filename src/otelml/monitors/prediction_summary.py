"""What a number of predictions looks like, and how two of them differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml.monitors.statistics.effects import corrected_psi
from otelml.observations.scores import PROBABILITY_BOUNDS

BINS = len(PROBABILITY_BOUNDS)
OTHER = "_OTHER"
_ROUNDING = 1e-3
_EDGES = np.array(PROBABILITY_BOUNDS[:-1])


@dataclass(frozen=True, slots=True)
class PredictionSummary:
    """A window of predictions.

    Attributes:
        labels: number of predicted labels.
        classes: how often each class was predicted, by its text.
        rows: number of rows of probabilities.
        invalid: further rows that are no probabilities: not between 0 and 1, not finite, or not adding up to 1.
        scores: rows by score, in 20 bins of 0.05 each (`observations.scores.PROBABILITY_BOUNDS`). The score is the
            probability of the second of two classes, or the largest probability of several.
        confidence: mean of the largest probability; None without probabilities.
        entropy: mean of the entropy as a share of the largest possible, 0 (sure) to 1 (uniform).
        near_threshold: share of the rows whose score is near the threshold; of several classes, whose two largest
            probabilities are near each other.
    """

    labels: int = 0
    classes: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    invalid: int = 0
    scores: tuple[int, ...] = (0,) * BINS
    confidence: float | None = None
    entropy: float | None = None
    near_threshold: float | None = None

    @property
    def values(self) -> dict[str, float]:
        """The means by name, without those that are not known."""
        named = {"confidence": self.confidence, "entropy": self.entropy, "near_threshold": self.near_threshold}
        return {name: value for name, value in named.items() if value is not None}

    def changes(self, live: PredictionSummary) -> dict[str, float]:
        """How later predictions differ from these.

        Returns:
            The differences of the means by name (`confidence`, `entropy`, `near_threshold`), and the bias-corrected
            population stability index of the classes (`classes`) and of the binned scores (`scores`).
        """
        differences = {name: value - self.values[name] for name, value in live.values.items() if name in self.values}
        names = sorted({*self.classes, *live.classes})
        if self.labels and live.labels:
            differences["classes"] = _psi(*([of.classes.get(n, 0) for n in names] for of in (self, live)))
        if self.rows and live.rows:
            differences["scores"] = _psi(self.scores, live.scores)
        return differences


class ScoreSums:
    """Probabilities added up."""

    def __init__(self, threshold: float, margin: float) -> None:
        """Start with none; see `PredictionMonitor`."""
        self._threshold = threshold
        self._margin = margin
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self.rows = self.invalid = 0
        self.bins = np.zeros(BINS, dtype=np.int64)
        self.sums = np.zeros(3)

    def add(self, probabilities: npt.ArrayLike) -> None:
        """Add rows of probabilities, shape (n,) (of the second of two classes) or (n, classes).

        Raises:
            TypeError: they are not numbers, or have more than two dimensions.
        """
        table = _table(probabilities)
        with np.errstate(invalid="ignore"):
            valid = ((table >= -_ROUNDING) & (table <= 1 + _ROUNDING)).all(1) & (np.abs(table.sum(1) - 1) <= _ROUNDING)
        if not valid.all():
            self.invalid += int(len(table) - valid.sum())
            table = table[valid]
        if not len(table):
            return
        ordered = np.sort(np.clip(table, 0, 1), axis=1)
        largest = ordered[:, -1]
        two = table.shape[1] == 2
        score = table[:, 1] if two else largest
        near = np.abs(score - self._threshold) if two else (largest - ordered[:, -2]) / 2
        logs = np.log(ordered, out=np.zeros_like(ordered), where=ordered > 0)
        self.rows += len(table)
        # A bin holds its upper bound, as in the counters of scores.
        self.bins += np.bincount(np.searchsorted(_EDGES, score), minlength=BINS)
        # A hundredth of a millionth is the error of 0.55 - 0.5, which is within 0.05.
        self.sums += (
            largest.sum(),
            -(ordered * logs).sum() / np.log(table.shape[1]),
            (near <= self._margin + 1e-8).sum(),
        )


def _table(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array = np.asarray(probabilities)
    if array.dtype.kind not in "fiub" or array.ndim not in (1, 2):
        raise TypeError(f"Probabilities are numbers of shape (n,) or (n, classes), not {array.dtype} {array.shape}.")
    table = array.astype(np.float64, copy=False)
    if table.ndim == 1 or table.shape[1] == 1:
        table = table.reshape(-1, 1)
        table = np.concatenate((1 - table, table), axis=1)
    return table if table.shape[1] else np.full((len(table), 2), np.nan)


def counted_classes(labels: Any) -> Counter[str]:
    """How often each class occurs, by its text; of several outputs, each combination is a class."""
    if isinstance(labels, np.ndarray) and labels.ndim > 1:
        labels = [tuple(row) for row in labels.reshape(len(labels), -1).tolist()]
    elif hasattr(labels, "tolist"):
        labels = labels.tolist()
    try:
        counts: Iterable[tuple[Hashable, int]] = Counter(labels).items()
    except TypeError:  # rows as lists
        counts = Counter(tuple(row) if isinstance(row, list) else str(row) for row in labels).items()
    texts: Counter[str] = Counter()
    for label, count in counts:
        texts[text_of(label)] += count
    return texts


def text_of(label: object) -> str:
    """A class as text; 1, 1.0 and True of several libraries' outputs are one class where they are equal."""
    if isinstance(label, tuple):
        return ", ".join(text_of(part) for part in label)
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label)


def _psi(reference: Iterable[int], live: Iterable[int]) -> float:
    before, now = np.array([list(reference)], dtype=np.float64), np.array([list(live)], dtype=np.float64)
    return float(corrected_psi(before, now, np.ones(before.shape, dtype=bool))[0])
