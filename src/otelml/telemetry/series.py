"""Exact counts, added up on the caller's thread and read when metrics are collected (DESIGN, decision 1)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram
from opentelemetry.util.types import AttributeValue

from otelml.observations import Intake, ModelIdentity, Outputs
from otelml.telemetry.budget import RecordingBudget
from otelml.telemetry.families import Family
from otelml.telemetry.labels import OTHER, countable

_MAX_ERROR_TYPES = 20
_MAX_TASKS = 50

_T = TypeVar("_T")

Attributes = Mapping[str, AttributeValue]


SLICE = 256
"""Calls that are counted together: the work for them fits the processor's caches, where a call at a time costs three
times as much."""

MOST_ASIDE = 1 << 17
"""The most bytes of results that wait to be counted; a larger one is counted at once."""

Result = tuple[bytes, Any, tuple[int, ...], Any]
"""A copy of the array that a call returned: its bytes, its type, the shape of a row, and the classes of its model."""

Tally = Callable[[list[Result]], Sequence[Outputs] | None]
"""Counts results that were put aside; contained."""


class Series:
    """The counts of one model's operation under one set of metric attributes.

    A call of which nothing is recorded appends to `durations` and `labels`, `rows` or `results`, and counts `turn`
    down; when that is used up, `settle` counts the slice. Appending to a list is atomic, as is taking from it, so no
    call is lost between threads, and no lock is taken for it.

    Attributes:
        family: the signals that the counts go to.
        attributes: the attributes of every metric point of the series.
        budget: which calls are recorded.
        turn: how many more calls need no span.
        durations: of calls not counted yet, in ns.
        labels: the classes of calls of one row not counted yet.
        rows: the numbers of samples of calls not counted yet, where they are put aside without results.
        results: what other calls returned that is not counted yet, with what counts it.
    """

    __slots__ = (
        "_aside",
        "_counting",
        "_histogram",
        "_max_classes",
        "_step",
        "attributes",
        "budget",
        "calls",
        "classes",
        "durations",
        "errors",
        "evaluations",
        "family",
        "labels",
        "lock",
        "results",
        "rows",
        "samples",
        "score_bins",
        "tasks",
        "time",
        "turn",
    )

    def __init__(self, family: Family, attributes: Attributes, histogram: Histogram) -> None:
        self.family = family
        self.attributes = attributes
        self._histogram = histogram
        self.configure(0.0, 0)
        self.reset()

    def configure(self, overhead_budget: float, max_classes: int) -> None:
        """Set the limits in force."""
        self.budget = RecordingBudget(overhead_budget)
        self._max_classes = max_classes
        self.turn = self._step = 0

    def reset(self) -> None:
        """Start from nothing, as a forked child does; the lock may have been held by a thread that the child lacks."""
        self.lock = threading.RLock()  # a signal handler or a finaliser may call a model while its thread counts
        self.durations: list[int] = []
        self.labels: list[Any] = []
        self.rows: list[int] = []
        self.results: list[tuple[Tally, Result]] = []
        self._aside = 0
        self._counting = False
        self.turn = self._step = 0
        self.calls = 0
        self.time = 0.0
        self.samples = 0
        self.errors: dict[str, tuple[int, float]] = {}
        self.classes: dict[Hashable, int] = {}
        self.score_bins: dict[str, int] = {}
        self.evaluations: dict[str, float] = {}
        self.tasks: dict[tuple[str, str | None], tuple[int, float]] = {}

    def begin(self) -> tuple[bool, bool]:
        """Begin a call that is looked at closely: whether its duration is recorded, and a span outside any other."""
        self.count_slice()
        with self.lock:
            drawn = self.budget.advance(self._step - max(self.turn, 0) + 1)
            self._turn_over()
        return drawn

    def settle(self, duration: int, worked: int) -> None:
        """Count the slice that has just ended with a call of this duration, and record it if it is its turn.

        Args:
            duration: in ns.
            worked: for how much of it the thread had the processor, in ns; 0 if unknown.
        """
        began = perf_counter()
        self.count_slice()
        with self.lock:
            if self.turn > 0:
                return  # another thread ended the slice
            if worked:
                self.budget.worked(worked * 1e-9, duration * 1e-9)
            recorded, _ = self.budget.advance(self._step)
            self._turn_over()
        if recorded:
            self._histogram.record(duration * 1e-9, self.attributes)
            self.budget.spent_on_duration(perf_counter() - began)

    def _turn_over(self) -> None:
        self.turn = self._step = self.budget.unrecorded_calls(SLICE)

    def record_duration(self, duration: float, attributes: Attributes, context: Context | None = None) -> None:
        """Record a duration, in seconds, in the histogram."""
        began = perf_counter()
        self._histogram.record(duration, attributes, context)
        self.budget.spent_on_duration(perf_counter() - began)

    def put_aside(self, tally: Tally, result: Result, size: int) -> None:
        """Let what a call returned wait to be counted, with that of other calls.

        Args:
            tally: what counts it.
            result: what the call returned.
            size: of the result, in bytes.
        """
        self.results.append((tally, result))
        self._aside += size
        if self._aside > MOST_ASIDE:
            self.count_slice()

    def count_slice(self) -> None:
        """Count the calls that have ended since the last slice."""
        if not (self.durations or self.labels or self.rows or self.results):
            return
        with self.lock:
            if self._counting:  # by this thread, which was interrupted by a signal handler or a finaliser
                return
            self._counting = True
            try:
                self._count_slice()
            finally:
                self._counting = False

    def _count_slice(self) -> None:
        durations = _drained(self.durations)
        labels = _drained(self.labels)
        if durations:
            seconds = sum(durations) * 1e-9
            self.calls += len(durations)
            self.time += seconds
            self.budget.add(len(durations), seconds)
        if labels:
            self.samples += len(labels)
            self._add_classes(_counted(labels))
        if self.rows:
            self.samples += sum(_drained(self.rows))
        if self.results:
            self._aside = 0
            tallied: dict[Tally, list[Result]] = {}
            for tally, result in _drained(self.results):
                tallied.setdefault(tally, []).append(result)
            for tally, results in tallied.items():
                for outputs in tally(results) or ():
                    self.add_outputs(outputs)

    def add(self, duration: float) -> None:
        """Count one call that returned, with its duration in seconds."""
        with self.lock:
            self.calls += 1
            self.time += duration
            self.budget.add(1, duration)

    def add_outputs(self, outputs: Outputs) -> None:
        """Count what a call returned."""
        with self.lock:
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
            self.budget.add(1, duration)

    def add_tasks(self, type_: str, name: str | None, count: int, duration: float) -> None:
        """Count steps or candidates of a fit, with the seconds that they took together."""
        with self.lock:
            key = (type_, name)
            if key not in self.tasks and len(self.tasks) >= _MAX_TASKS:
                key = (type_, OTHER)
            tasks, time = self.tasks.get(key, (0, 0.0))
            self.tasks[key] = (tasks + count, time + duration)

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


def _drained(waiting: list[_T]) -> list[_T]:
    # Other threads go on appending: only what has been taken is removed.
    taken = waiting[:]
    del waiting[: len(taken)]
    return taken


def _counted(labels: list[Any]) -> Mapping[Hashable, int]:
    try:
        return Counter(labels)
    except TypeError:
        return Counter(label for label in labels if isinstance(label, Hashable))


@dataclass(frozen=True, slots=True)
class Target:
    """What a call of one method of one model is reported as.

    Every call reads it: a slot is read several times quicker than a field of a named tuple.

    Attributes:
        model: who is called.
        operation: a value of `ml.operation.name`.
        method: the method, as the library names it.
        series: where the calls are counted; models of one name and version share it.
        labelled: whether the result is a class for each row.
        span_name: the name of a call's span.
        span_attributes: what is known of a call's span before the call.
        intake: what takes the rows of the calls for the monitors, if they are watched.
        tally: what counts results that were put aside; None where only rows are counted.
    """

    model: ModelIdentity
    operation: str
    method: str
    series: Series
    labelled: bool
    span_name: str
    span_attributes: Attributes
    intake: Intake | None = None
    tally: Tally | None = None
