"""The monitors of one model: rows come in on the hot path, findings and states go out."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import groupby
from time import perf_counter_ns
from typing import Any

import numpy as np

from otelml._guard import guarded
from otelml.monitors.live import chunks
from otelml.monitors.live.features import FeatureMonitors
from otelml.monitors.live.history import History, Point
from otelml.monitors.live.outputs import OutputMonitors
from otelml.monitors.live.sampling import Sampling
from otelml.monitors.reference import Reference
from otelml.observations import DriftState, Finding, FindingSink, ModelIdentity, ReferenceChange
from otelml.semconv.attributes import DriftMethod, DriftReferenceState, DriftType
from otelml.settings import Settings

LIVE = "live"
"""The name of a reference made of the first live rows."""

SLICE = 256
"""Rows that are counted together: the work for them fits the processor's caches."""

_SLICE_VALUES = 65_536
_MOST_WAITING = 4_096
_MOST_WAITING_VALUES = 1 << 20  # of wide rows fewer wait, four slices at least
_MOST_REFERENCE_VALUES = 4_000_000
_TAKE_COST = 2_000
"""What it costs to put one row aside, in ns; it is not measured call by call."""

_SILENT_CALLS = 1_000
"""Calls of another method after which the inputs are taken from it: the one they were taken from is not in use."""


class Watch:
    """Watches one model.

    Attributes:
        model: who is watched.
        settings: in force when it was first called.
        features: the monitors of its features; None while there is no reference, until enough live rows were seen.
        width: number of columns of the table that the fast path takes.
        rows: one or more rows as bytes each, not counted yet.
        durations: of the calls with a single row among them, in ns.
        slice_rows: number of rows that are counted together.
        features_from: the method whose inputs are taken.
        sampling: which rows are seen.
        history: how the drift of the features went.
        outputs: the monitors of what the model returns.
    """

    def __init__(self, model: ModelIdentity, settings: Settings, sink: FindingSink, width: int) -> None:
        self.model = model
        self.width = width
        self.settings = settings
        self._sink = sink
        self.features: FeatureMonitors | None = None
        self.features_from: str | None = None
        self.slice_rows = max(16, min(SLICE, _SLICE_VALUES // max(width, 1)))
        self._options = {
            "windows": settings.drift_windows,
            "steps": settings.drift_window_steps,
            "minimum_effect": settings.drift_minimum_effect,
        }
        self.outputs = OutputMonitors(settings.reference_rows, self._options)
        self.reset()

    def reset(self) -> None:
        """Start from nothing but the reference, as a forked child does; the lock may have been held."""
        self._lock = threading.Lock()
        most = max(4 * self.slice_rows, min(_MOST_WAITING, _MOST_WAITING_VALUES // max(self.width, 1)))
        self.rows: deque[bytes] = deque(maxlen=most)
        self.durations: deque[int] = deque(maxlen=most)
        self._chunks: deque[Any] = deque(maxlen=most)
        self._chunk_rows = 0
        self._first: list[Any] = []
        self._first_rows = 0
        self._silent = 0
        self._since = datetime.now(timezone.utc)
        self.history = History()
        self.sampling = Sampling(self.settings.overhead_budget)
        self.outputs.reset()
        if self.features is not None:
            self.features.reset()

    def compare_with(self, reference: Reference, name: str, *, reason: str | None = None) -> None:
        """Compare the features with a reference from now on, and say so.

        Args:
            reference: the profile of the training data.
            name: where it comes from.
            reason: why it took the place of another.
        """
        self.features = FeatureMonitors(reference, name, self._options)
        if reference.target is not None:
            self.outputs.streams[DriftType.LABEL].watch(reference.target)
        state = DriftReferenceState.TAKEN
        if reference.omitted:
            state = DriftReferenceState.CAPPED
            watched = f"{len(reference.features)} of {reference.columns} features are watched"
            capped = f"{watched}: max_features and max_profile_bytes allow no more"
            reason = capped if reason is None else f"{reason}; {capped}"
        elif reason is None and reference.periods is None and self.settings.reference_period != "none":
            reason = f"no reference by {self.settings.reference_period}: the training data had no timestamps"
        change = ReferenceChange(name, state, reason, reference.rows, len(reference.features))
        self._sink.reference_changed(self.model, change)

    def wants_features(self, method: str) -> bool:
        """Whether the inputs of this method are taken as the model's; those of another one then are not."""
        if self.features_from == method:
            return True
        self._silent += 1
        if self.features_from is None or self._silent > _SILENT_CALLS:
            self.features_from, self._silent = method, 0
            return True
        return False

    def add_chunk(self, chunk: Any, rows: int) -> None:
        """Put rows aside that are a copy already."""
        if chunk is not None:
            self._chunks.append(chunk)
            self._chunk_rows += rows

    def settle_if_full(self) -> None:
        """Count what is waiting if it is a slice."""
        if self._chunk_rows >= self.slice_rows or len(self.durations) >= self.slice_rows:
            self.settle()

    @guarded
    def settle(self) -> None:
        """Count what is waiting, unless another thread is at it."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            with np.errstate(all="ignore"):  # the host may have NumPy raise in this thread
                self._settle()
        finally:
            self._lock.release()

    def _settle(self) -> None:
        began = perf_counter_ns()
        now, since = datetime.now(timezone.utc), self._since
        self._since = now
        durations = [self.durations.popleft() for _ in range(len(self.durations))]
        seen = 0
        for table in self._tables():
            seen += chunks.row_count(table) or 0
            self._count(table, since, now)
        if seen:
            self._silent = 0
        for finding in self.outputs.update(since, now):
            self._tell(finding)
        taken = max(seen, len(durations))
        if taken:
            sampling = self.sampling
            sampling.seen += taken
            sampling.offered += round(len(durations) / sampling.share)
            cost = perf_counter_ns() - began + _TAKE_COST * taken
            sampling.spent(taken, cost, sum(durations) / len(durations) if durations else 0.0)

    def _tables(self) -> Iterator[Any]:
        rows = b"".join([self.rows.popleft() for _ in range(len(self.rows))])
        if rows:
            yield np.frombuffer(rows, dtype=np.float64).reshape(-1, self.width)
        waiting = [self._chunks.popleft() for _ in range(len(self._chunks))]
        self._chunk_rows = 0
        for _, alike in groupby(waiting, key=chunks.kind_of):
            yield chunks.joined(list(alike))

    def _count(self, table: Any, start: datetime, end: datetime) -> None:
        if self.features is None:
            self._learn(table)
            return
        for finding in self.features.update(table, start, end):
            self._tell(finding)

    def _learn(self, table: Any) -> None:
        # Without a reference the first rows become it.
        self._first.append(table)
        self._first_rows += chunks.row_count(table) or 0
        needed = min(self.settings.reference_rows, max(_MOST_REFERENCE_VALUES // max(self.width, 1), 100))
        if self._first_rows < needed:
            return
        kind = chunks.kind_of(self._first[-1])
        alike = [each for each in self._first if chunks.kind_of(each) == kind]
        self._first.clear()
        self._first_rows = 0
        reference = Reference.build(chunks.joined(alike), **build_options(self.model, self.settings))
        # As it would come back from a profile: in few bytes, and the same after a restart.
        self.compare_with(
            Reference.from_dict(reference.to_dict()), LIVE, reason="the model has no profile of its training data"
        )

    def remember(self, states: Sequence[DriftState]) -> None:
        """Note in the history how the features are now.

        Args:
            states: of all checks of the model.
        """
        if self.features is not None and not self.features.drift.warming_up:
            checks = [check for check in states if check.type == DriftType.FEATURE]
            scores = tuple(check.scores.get(DriftMethod.PSI) for check in checks)
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self.history.add(Point(now, self.sampling.seen, scores, tuple(check.state for check in checks)))

    def _tell(self, finding: Finding) -> None:
        self._sink.found(self.model, self.features.name if self.features else LIVE, finding)


def build_options(model: ModelIdentity, settings: Settings) -> Mapping[str, Any]:
    """How references of a model are built."""
    return {
        "feature_names": model.feature_names,
        "max_features": settings.max_features,
        "max_bytes": settings.max_profile_bytes,
        "min_category_count": settings.min_category_count,
    }
