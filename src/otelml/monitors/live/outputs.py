"""What a model returns: put aside on the hot path, and watched for drift in slices."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np

from otelml.monitors.live.labels import LabelStream
from otelml.monitors.live.streams import Stream
from otelml.monitors.predictions import PredictionMonitor
from otelml.observations import DriftFinding
from otelml.semconv.attributes import DriftType

LABELS: Final = "labels"
VALUES: Final = "values"
PROBABILITIES: Final = "probabilities"
SCORES: Final = "scores"

_MOST_WAITING = 4_096
_SUMMARY_ROWS = 200


class OutputMonitors:
    """The predictions and scores of one model, and the labels that it is scored with.

    Attributes:
        waiting: by kind of output, what was returned and is not counted yet: single outputs, and arrays of them.
        labels: arrays of labels that are not counted yet.
        streams: the columns that are watched.
        summary: class balance, confidence, entropy and the share of scores near the threshold.
    """

    def __init__(self, reference_rows: int, options: Mapping[str, Any]) -> None:
        """Watch nothing yet.

        Args:
            reference_rows: number of outputs that become the reference.
            options: of the drift monitors.
        """
        self.waiting: dict[str, deque[Any]] = {
            kind: deque(maxlen=_MOST_WAITING) for kind in (LABELS, VALUES, PROBABILITIES, SCORES)
        }
        self.labels: deque[Any] = deque(maxlen=_MOST_WAITING)
        self.streams = {
            type_: Stream(type_, reference_rows, options) for type_ in (DriftType.PREDICTION, DriftType.SCORE)
        }
        self.streams[DriftType.LABEL] = LabelStream(reference_rows, options)
        self.summary = PredictionMonitor(window=_SUMMARY_ROWS)

    def update(self, start: datetime, end: datetime) -> list[DriftFinding]:
        """Count what is waiting.

        Args:
            start: when the first of it came.
            end: when the last of it came.
        """
        labels = [_text(label) for label in _drained(self.waiting[LABELS])]
        values = _numbers(_drained(self.waiting[VALUES]))
        scores = _numbers(_drained(self.waiting[SCORES]))
        rows = [np.atleast_2d(each) for each in _arrays(self.waiting[PROBABILITIES])]
        if rows:
            probabilities = np.concatenate([each for each in rows if each.shape[1] == rows[-1].shape[1]])
            self.summary.update(probabilities=probabilities)
            scores += (probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities.max(axis=1)).tolist()
        if labels:
            self.summary.update(labels=labels)
        findings = []
        for type_, outputs in (
            (DriftType.PREDICTION, labels or values),
            (DriftType.SCORE, scores),
            (DriftType.LABEL, _arrays(self.labels)),
        ):
            if outputs:
                findings += self.streams[type_].update(outputs, start, end)
        return findings

    def reset(self) -> None:
        """Forget everything that was seen."""
        for waiting in (*self.waiting.values(), self.labels):
            waiting.clear()
        for stream in self.streams.values():
            stream.reset()
        self.summary.reset()


def _arrays(waiting: deque[Any]) -> list[Any]:
    # Only as many as there are now: other threads go on appending.
    return [waiting.popleft() for _ in range(len(waiting))]


def _drained(waiting: deque[Any]) -> list[Any]:
    outputs: list[Any] = []
    for output in _arrays(waiting):
        if not isinstance(output, np.ndarray):
            outputs.append(output)
        elif output.ndim < 2:
            outputs.extend(output.ravel().tolist())
        elif output.dtype.kind in "biuf":
            outputs.extend(output.max(axis=1).tolist())
        else:  # several classes a row, none of which is the largest
            outputs.extend(", ".join(map(str, row)) for row in output.reshape(len(output), -1).tolist())
    return outputs


def _text(label: Any) -> str:
    # 1 and 1.0 are one class.
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _numbers(outputs: list[Any]) -> list[Any]:
    return [float(output) for output in outputs if isinstance(output, (int, float))]
