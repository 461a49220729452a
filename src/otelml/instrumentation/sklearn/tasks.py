"""What a fit reports of its tasks: the steps of a pipeline, or the candidates of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import time_ns
from typing import Any

from otelml.telemetry import Operation


class FitTasks:
    """Reports the tasks of one outermost call of `fit`.

    Attributes:
        estimator: whose `fit` it is.
        operation: the call.
        with_spans: whether every task gets a span.
    """

    def __init__(self, estimator: Any, operation: Operation, *, with_spans: bool) -> None:
        self.estimator = estimator
        self.operation = operation
        self.with_spans = with_spans

    @staticmethod
    def has_any(attributes: Mapping[str, Any]) -> bool:
        """Whether an estimator with these attributes has such tasks."""
        raise NotImplementedError

    def begin(self) -> None:
        """Before the host's `fit`."""

    def end(self) -> None:
        """After it, whether it returned or raised."""

    def complete(self) -> None:
        """After that, where it returned."""

    def count(self, type_: str, name: str | None, durations: Sequence[int]) -> None:
        """Count tasks that have just ended.

        Args:
            type_: a value of `ml.training.task.type`.
            name: of all of them, where they have one.
            durations: in ns.
        """
        self.operation.target.series.add_tasks(type_, name, len(durations), sum(durations) * 1e-9)
        for nanoseconds in durations if self.with_spans else ():
            self.operation.task_span(type_, name, time_ns() - nanoseconds)
