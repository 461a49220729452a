"""What a model returns: class balance, scores, confidence, entropy, and how many predictions are close calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml.monitors.prediction_summary import OTHER, PredictionSummary, ScoreSums, counted_classes


class PredictionMonitor:
    """Sums up windows of predictions, and compares them with earlier ones.

    Labels and probabilities may come together or one by one; each has windows of its own. To test predictions for
    drift, build references of them (`reference.build.target_reference` for labels, `Reference.build` for scores) and
    give them to a `DriftMonitor`.

    Memory: two counters of at most `max_classes` classes, and 20 bins.

    >>> monitor = PredictionMonitor(window=4)
    >>> monitor.update(labels=["yes", "no", "no", "no"], probabilities=[0.9, 0.2, 0.46, 0.1])
    >>> {name: round(value, 3) for name, value in monitor.latest.items()}
    {'confidence': 0.785, 'entropy': 0.664, 'near_threshold': 0.25}
    >>> monitor.summary.classes
    {'no': 3, 'yes': 1}
    """

    def __init__(
        self,
        *,
        expected: PredictionSummary | None = None,
        threshold: float = 0.5,
        margin: float = 0.05,
        window: int = 1_000,
        max_classes: int = 50,
    ) -> None:
        """Sum up predictions.

        Args:
            expected: earlier predictions to compare with, as `PredictionMonitor.reference` makes them.
            threshold: the score from which on the second of two classes is predicted.
            margin: how far from the threshold a score is near it; of several classes, half the distance of the two
                largest probabilities.
            window: number of rows that are summed up together; a larger batch is a window of its own.
            max_classes: number of distinct classes that are counted; further ones are `_OTHER`.

        Raises:
            ValueError: a window without rows.
        """
        if window < 1:
            raise ValueError(f"window={window}: give the number of rows that are summed up together.")
        self.expected = expected
        self._length = window
        self._max_classes = max_classes
        self._scores = ScoreSums(threshold, margin)
        self.reset()

    def reset(self) -> None:
        """Forget all predictions, but not what is expected."""
        self._classes: Counter[str] = Counter()
        self._scores.clear()
        self._labels = PredictionSummary()
        self._probabilities = PredictionSummary()

    @classmethod
    def reference(
        cls, *, labels: Any = None, probabilities: npt.ArrayLike | None = None, **options: Any
    ) -> PredictionSummary:
        """A summary of known predictions, to be `expected` of later ones; arguments as of `update` and the class."""
        monitor = cls(window=1, **options)
        monitor.update(labels=labels, probabilities=probabilities)
        return monitor.summary

    def update(self, labels: Any = None, probabilities: npt.ArrayLike | None = None) -> None:
        """Take predictions.

        Args:
            labels: predicted classes, shape (n,), of any type; of shape (n, outputs), each combination is a class.
            probabilities: shape (n, classes), rows adding up to 1; or (n,), of the second of two classes.

        Raises:
            TypeError: probabilities that are not numbers, or of three dimensions.
        """
        if labels is not None:
            self._count(counted_classes(labels))
        if probabilities is not None:
            self._scores.add(probabilities)
            if self._scores.rows + self._scores.invalid >= self._length:
                self._probabilities = self._summed()
                self._scores.clear()

    @property
    def summary(self) -> PredictionSummary:
        """The last complete windows; empty before the first."""
        scores, labels = self._probabilities, self._labels
        return PredictionSummary(
            labels.labels,
            labels.classes,
            scores.rows,
            scores.invalid,
            scores.scores,
            scores.confidence,
            scores.entropy,
            scores.near_threshold,
        )

    @property
    def latest(self) -> dict[str, float]:
        """The means of the last complete window by name: `confidence`, `entropy`, `near_threshold`."""
        return self._probabilities.values

    @property
    def changes(self) -> dict[str, float]:
        """How the last complete windows differ from what is expected; see `PredictionSummary.changes`."""
        return {} if self.expected is None else self.expected.changes(self.summary)

    def snapshot(self) -> dict[str, Any]:
        """The state as built-in types, for `restore`."""
        summary, sums = self.summary, self._scores
        return {
            "classes": dict(self._classes),
            "sums": [sums.rows, sums.invalid, sums.bins.tolist(), sums.sums.tolist()],
            "summary": {name: getattr(summary, name) for name in PredictionSummary.__dataclass_fields__},
        }

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Go on where a monitor was when `snapshot` was taken.

        Raises:
            ValueError: the state is broken.
        """
        self.reset()
        try:
            rows, invalid, bins, means = stored["sums"]
            known = dict(stored["summary"])
            summary = PredictionSummary(**{**known, "scores": tuple(int(count) for count in known["scores"])})
            classes = Counter({str(name): int(count) for name, count in stored["classes"].items()})
            counts, sums = np.array(bins, dtype=np.int64), np.array(means, dtype=np.float64)
            if counts.shape != self._scores.bins.shape or sums.shape != self._scores.sums.shape:
                raise ValueError(f"{counts.shape} bins and {sums.shape} sums")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"the stored state of predictions is broken: {error!r}") from error
        self._classes = classes
        self._scores.rows, self._scores.invalid, self._scores.bins, self._scores.sums = rows, invalid, counts, sums
        self._labels = self._probabilities = summary

    def _count(self, classes: Counter[str]) -> None:
        known = self._classes
        for name, count in classes.most_common():
            known[name if name in known or len(known) < self._max_classes else OTHER] += count
        total = known.total()
        if total >= self._length:
            self._labels = PredictionSummary(labels=total, classes=dict(known.most_common()))
            known.clear()

    def _summed(self) -> PredictionSummary:
        sums = self._scores
        means = (sums.sums / sums.rows).tolist() if sums.rows else [None, None, None]
        return PredictionSummary(
            rows=sums.rows,
            invalid=sums.invalid,
            scores=tuple(sums.bins.tolist()),
            confidence=means[0],
            entropy=means[1],
            near_threshold=means[2],
        )
