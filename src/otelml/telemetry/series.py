"""Exact counts, added up on the caller's thread and read when metrics are collected (DESIGN, decision 1)."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from typing import NamedTuple

from opentelemetry.util.types import AttributeValue

from otelml.observations import ModelIdentity, Outputs
from otelml.telemetry.budget import RecordingBudget
from otelml.telemetry.families import Family
from otelml.telemetry.labels import OTHER, countable

_MAX_ERROR_TYPES = 20

Attributes = Mapping[str, AttributeValue]


class Series:
    """The counts of one model's operation under one set of metric attributes.

    Attributes:
        family: the signals that the counts go to.
        attributes: the attributes of every metric point of the series.
        budget: which calls are recorded in full.
    """

    __slots__ = (
        "_max_classes",
        "attributes",
        "budget",
        "calls",
        "classes",
        "errors",
        "evaluations",
        "family",
        "lock",
        "samples",
        "score_bins",
        "time",
    )

    def __init__(self, family: Family, attributes: Attributes) -> None:
        self.family = family
        self.attributes = attributes
        self.budget = RecordingBudget(0.0)
        self._max_classes = 0
        self.reset()

    def configure(self, overhead_budget: float, max_classes: int) -> None:
        """Set the limits in force."""
        self.budget = RecordingBudget(overhead_budget)
        self._max_classes = max_classes

    def reset(self) -> None:
        """Start from nothing, as a forked child does; the lock may have been held by a thread that the child lacks."""
        self.lock = threading.Lock()
        self.calls = 0
        self.time = 0.0
        self.samples = 0
        self.errors: dict[str, tuple[int, float]] = {}
        self.classes: dict[Hashable, int] = {}
        self.score_bins: dict[str, int] = {}
        self.evaluations: dict[str, float] = {}

    def add(self, duration: float, outputs: Outputs) -> None:
        """Count one call that returned."""
        with self.lock:
            self.calls += 1
            self.time += duration
            self.budget.add(duration)
            if outputs.rows:
                self.samples += outputs.rows
            if outputs.classes:
                self._add_classes(outputs.classes)
            if outputs.score_bins:
                for bin_, count in outputs.score_bins.items():
                    self.score_bins[bin_] = self.score_bins.get(bin_, 0) + count
            if outputs.score:
                name, value = outputs.score
                self.evaluations[name] = value

    def add_error(self, duration: float, error_type: str) -> None:
        """Count one call that raised."""
        with self.lock:
            if error_type not in self.errors and len(self.errors) >= _MAX_ERROR_TYPES:
                error_type = OTHER
            calls, time = self.errors.get(error_type, (0, 0.0))
            self.errors[error_type] = (calls + 1, time + duration)
            self.budget.add(duration)

    def _add_classes(self, classes: Mapping[Hashable, int]) -> None:
        known = self.classes
        for label, count in classes.items():
            if label in known:
                known[label] += count
                continue
            key = countable(label)
            if key not in known and len(known) >= self._max_classes:
                key = OTHER
            known[key] = known.get(key, 0) + count


class Target(NamedTuple):
    """What a call of one method of one model is reported as.

    Attributes:
        model: who is called.
        operation: a value of `ml.operation.name`.
        method: the method, as the library names it.
        series: where the calls are counted; models of one name and version share it.
        span_name: the name of a call's span.
        span_attributes: what is known of a call's span before the call.
    """

    model: ModelIdentity
    operation: str
    method: str
    series: Series
    span_name: str
    span_attributes: Attributes
