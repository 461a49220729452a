"""Has what a model is given, or what it returns, changed since training?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml.monitors.judgement import Judge, Minimum
from otelml.monitors.reference import Reference
from otelml.monitors.reference.layout import Binned
from otelml.monitors.tracking import Rates, Tracker
from otelml.monitors.windows import Block, Length, Windows, lengths_of
from otelml.observations.findings import DriftFinding
from otelml.observations.states import DriftState
from otelml.semconv.attributes import DriftMethod, DriftType

LEAST_ROWS = 50
"""Fewer rows of a window or of a reference say too little."""

_VERSION = 1


class DriftMonitor:
    """Compares what comes in with a reference, in windows of several lengths at once.

    A window is judged when it is complete. Of every feature it is asked whether the location, the scale or the shape
    of its values is another, whether more or fewer values are missing, whether there are more values out of range or
    of unknown categories: rank tests of Mann and Whitney (1947) and of Mood (1954), chi-square tests (Cressie and
    Read, 1984), and exact beta-binomial tails, all on counts by bin (`otelml.monitors.statistics` names the papers).
    The reference's own sampling error is part of every test. With `dependence`, the rank correlations of its leading
    features are watched as well.

    False alarms: p-values are adjusted for the tests of a feature (Bonferroni, with weights), for the features
    (Benjamini and Hochberg, 1995), and for the lengths, which share `false_alarm_rate` equally: where nothing has
    changed, a window of one of three lengths raises anything with a probability of a third of it at most. A stream of
    many windows has more of them, `windows` times `rate` on average, so a stream with times keeps a budget too:
    `false_alarms_per_day`, whatever its traffic (see `otelml.monitors.alarms.DailyBudget`). A day of 1,000,000 rows,
    or 6,100 windows, would have 8 false alarms without the budget and has 0.1 with it. Small changes are left to long
    windows: a shift of a tenth of a standard deviation is seen by few windows of 200 rows, and by every one of
    10,000.

    What is significant is a `warning`; what is significant and has at least the minimum effect is `drifted`. A state
    rises at once, and falls after `calm_windows` windows in a row; each change of a state is one finding. Nothing is
    said before a window is complete (`warming_up`), and nothing at all with a reference of less than 50 rows.

    Memory, by cell of the reference and three lengths: 12 bytes for the present windows and the last ones, and twice
    that for windows of more than 65,535 rows; 18 more with `steps=4`, for the steps; besides, 2 x 8 x 17 x 17 bytes a
    length for the dependence. Time: some 0.3 ms a window of 30 features, below 2 us a row over all three lengths.

    Args:
        reference: what the rows are compared with, at best of the training data.
        type: what is watched, a value of `ml.drift.type`. Predictions, scores and labels are compared with a
            reference of one feature.
        windows: lengths: numbers of rows, at least 50, or times (`timedelta`), for rows that come with theirs. A
            window by time is extended until it has 50 rows.
        steps: 1 for tumbling windows; k for windows that slide by a k-th of their length. They share the false alarms
            as well.
        false_alarm_rate: how likely it is at most that the windows ending with a row raise anything, if nothing has
            changed.
        false_alarms_per_day: how many are expected in a day at most, in a stream with times; None for no limit.
        minimum_effect: the least population stability index, corrected for its bias, that counts as drift. 0.1 is
            where credit scoring begins to look at a population (Siddiqi, "Credit Risk Scorecards", 2006); it is a
            shift of 0.32 standard deviations.
        minimum_rate: the least change of the share of rows that are missing, unknown or out of range: 0.01 is one row
            in a hundred.
        minimum_correlation: the least change of a rank correlation.
        calm_windows: windows in a row after which a state falls.
        dependence: whether the dependence between features is watched.

    Raises:
        ValueError: an argument is out of range; the message names it.

    Example:
        >>> import numpy as np
        >>> from otelml.monitors import DriftMonitor, Reference
        >>> rng = np.random.default_rng(7)
        >>> reference = Reference.build(rng.normal(size=(10_000, 5)), feature_names=["a", "b", "c", "d", "e"])

        Half a standard deviation from row 2,000 on is found with the first window of 200 rows that holds it:

        >>> monitor = DriftMonitor(reference)
        >>> seen = 0
        >>> for batch in range(25):
        ...     rows = rng.normal(size=(100, 5))
        ...     rows[:, 2] += 0.5 if seen >= 2_000 else 0.0
        ...     seen += len(rows)
        ...     for finding in monitor.update(rows):
        ...         print(seen, finding.feature, finding.state, finding.method, round(finding.score, 2))
        2200 c drifted mann_whitney 0.21

        A tenth of one is too little for a window of 200 rows, and not for one of 10,000:

        >>> monitor = DriftMonitor(reference, windows=(200, 10_000))
        >>> for finding in monitor.update(rng.normal(size=(10_000, 5)) + [0, 0.1, 0, 0, 0]):
        ...     print(finding.window_rows, finding.feature, finding.state)
        10000 b warning

        States can be read at any time:

        >>> [(state.feature, state.state) for state in monitor.states]
        [('a', 'ok'), ('b', 'warning'), ('c', 'ok'), ('d', 'ok'), ('e', 'ok'), (None, 'ok')]
    """

    def __init__(
        self,
        reference: Reference,
        *,
        type: str = DriftType.FEATURE,
        windows: Sequence[Length] = (200, 1_000, 10_000),
        steps: int = 1,
        false_alarm_rate: float = 0.004,
        false_alarms_per_day: float | None = 0.1,
        minimum_effect: float = 0.1,
        minimum_rate: float = 0.01,
        minimum_correlation: float = 0.2,
        calm_windows: int = 2,
        dependence: bool = True,
    ) -> None:
        if not 0 < false_alarm_rate < 1:
            raise ValueError(f"false_alarm_rate: {false_alarm_rate} is not between 0 and 1")
        if false_alarms_per_day is not None and not false_alarms_per_day > 0:
            raise ValueError(f"false_alarms_per_day: {false_alarms_per_day} is not above 0; None means no limit")
        if min(minimum_effect, minimum_rate, minimum_correlation) <= 0:
            raise ValueError("minimum_effect, minimum_rate and minimum_correlation must be above 0")
        if steps < 1 or calm_windows < 1:
            raise ValueError("steps and calm_windows must be 1 or more")
        self.reference = reference
        self.type = type
        self.lengths = tuple(lengths_of(windows, LEAST_ROWS))
        self.wants_codes = dependence and reference.dependence is not None
        self._steps = steps
        per_day = None if false_alarms_per_day is None else false_alarms_per_day / len(self.lengths)
        self._rates = Rates(false_alarm_rate / (len(self.lengths) * steps), per_day, calm_windows)
        self._judge = Judge(reference, Minimum(minimum_effect, minimum_rate, minimum_correlation))
        self.reset()

    def reset(self) -> None:
        """Forget all rows and states, but not the reference."""
        self._windows = Windows(self.lengths, self._steps, LEAST_ROWS, self._block())
        self._tracker = Tracker(self.reference, self.type, self._judge, self._rates, len(self.lengths))

    @property
    def warming_up(self) -> bool:
        """Whether there is too little data to judge: no window is complete, or the reference has fewer than 50 rows."""
        return not any(self._latest)

    @property
    def states(self) -> tuple[DriftState, ...]:
        """The state of every feature, and of their dependence where it is watched.

        The scores are effect sizes over the window that has found the state, of several the longest: the corrected
        population stability index, the distances of Jensen and Shannon, Kolmogorov and Smirnov, and Wasserstein (in
        spreads).
        """
        return self._tracker.states(self._latest, self.wants_codes)

    @property
    def deciding_windows(self) -> list[Block | None]:
        """The window that the scores of each feature are of, and last of their dependence; None while warming up."""
        windows = self._latest
        return [None if number is None else windows[number] for number in self._tracker.deciding(windows)]

    @property
    def _latest(self) -> list[Block | None]:
        return self._windows.latest if self.reference.rows >= LEAST_ROWS else [None] * len(self.lengths)

    @property
    def scores(self) -> dict[str, float]:
        """The corrected population stability index by feature, over the window that has found its state."""
        return {
            feature.name: state.scores[DriftMethod.PSI]
            for feature, state in zip(self.reference.features, self.states, strict=False)
            if state.scores
        }

    def update(self, X: Any, *, start: datetime | None = None, end: datetime | None = None) -> list[DriftFinding]:
        """Take a batch of any size.

        It is cut where windows end, so the outcome does not depend on how rows come in batches.

        Args:
            X: a table of any type that `Reference.bin` takes, shape (n, columns). 8 bytes a value are needed while it
                is binned.
            start: when the first of its rows came.
            end: when the last of them came.

        Returns:
            A finding for each change of a state.

        Raises:
            TypeError: X is no table.
        """
        binned = self.reference.bin(X, with_codes=True)
        codes = binned.codes
        assert codes is not None
        absent = binned.counts.sum(axis=1) == 0
        findings, first = [], 0
        while first < binned.rows:
            part = codes[first : first + (self._windows.missing_rows or binned.rows)]
            counts = self._counted(part)
            counts[absent] = 0
            periods = None if binned.periods is None else binned.periods[first : first + len(part)]
            findings += self._take(counts, len(part), start, end, part, periods)
            first += len(part)
        return findings

    def update_binned(
        self, binned: Binned, start: datetime | None = None, end: datetime | None = None
    ) -> list[DriftFinding]:
        """Take rows, uncut, that `Reference.bin` has binned: with codes, where `wants_codes` asks for them."""
        return self._take(binned.counts, binned.rows, start, end, binned.codes, binned.periods)

    def update_counts(
        self, counts: npt.NDArray[Any], rows: int, start: datetime | None = None, end: datetime | None = None
    ) -> list[DriftFinding]:
        """Take rows that are counted already; their dependence is not watched.

        Args:
            counts: rows by feature and cell, of shape (F, C) as in the reference.
            rows: number of rows.
            start: when the first of them came.
            end: when the last of them came.
        """
        return self._take(counts, rows, start, end, None)

    def _take(
        self,
        counts: npt.NDArray[Any],
        rows: int,
        start: datetime | None,
        end: datetime | None,
        codes: npt.NDArray[np.intp] | None,
        of_rows: npt.NDArray[np.intp] | None = None,
    ) -> list[DriftFinding]:
        if not rows:
            return []
        block = self._block()
        block.counts, block.rows, block.start, block.end = counts, rows, start or end, end or start
        if codes is not None and self.wants_codes and self.reference.dependence is not None:
            block.products = self.reference.dependence.products(codes)
        periods = self.reference.periods
        if of_rows is not None:
            block.periods = np.bincount(of_rows[of_rows >= 0], minlength=len(block.periods))
        elif periods is not None and periods.clock is None and block.end is not None:
            block.periods[periods.of(block.end)] = rows
        findings: list[DriftFinding] = []
        for number, window in self._windows.add(block):
            if self.reference.rows >= LEAST_ROWS:
                findings += self._tracker.take(number, window)
        return findings

    def _counted(self, codes: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        features, cells = self.reference.counts.shape
        flat = codes + np.arange(features) * cells
        return np.bincount(flat.ravel(), minlength=features * cells).reshape(features, cells)

    def _block(self) -> Block:
        dependence, periods = self.reference.dependence, self.reference.periods
        products = len(dependence.features) + 1 if self.wants_codes and dependence is not None else 0
        return Block(self.reference.counts.shape, products, 0 if periods is None else len(periods.counts))

    def snapshot(self) -> dict[str, Any]:
        """The rows and states as built-in types and arrays, so that a restart loses neither."""
        return {
            "version": _VERSION,
            "type": self.type,
            "features": [feature.name for feature in self.reference.features],
            "lengths": [str(length) for length in self.lengths],
            "steps": self._steps,
            "windows": self._windows.snapshot(),
            "tracker": self._tracker.snapshot(),
        }

    def restore(self, stored: dict[str, Any]) -> None:
        """Go on from a snapshot of a monitor with the same reference, lengths and steps.

        Raises:
            ValueError: the snapshot is of another monitor, of a newer version, or broken; the message names the field.
                The monitor is as after `reset`.
        """
        self.reset()
        try:
            self._restore(stored)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            self.reset()
            raise ValueError(f"snapshot of a drift monitor: {error}") from error

    def _restore(self, stored: dict[str, Any]) -> None:
        own = self.snapshot()
        for name in ("version", "type", "features", "lengths", "steps"):
            if stored[name] != own[name]:
                raise ValueError(f"{name} is {stored[name]!r}, but {own[name]!r} was expected")
        self._windows.restore(stored["windows"])
        self._tracker.restore(stored["tracker"])
