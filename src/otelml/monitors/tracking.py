"""From windows to findings: the states of all checks, and what is said when one changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from otelml.monitors.alarms import OK, DailyBudget, States
from otelml.monitors.judgement import Evidence, Judge
from otelml.monitors.reference import Reference
from otelml.monitors.windows import Block
from otelml.monitors.wording import STATES, dependence_finding, effect_sizes, feature_finding
from otelml.observations.findings import DriftFinding
from otelml.observations.states import DriftState
from otelml.semconv.attributes import DriftMethod, DriftType
from otelml.semconv.attributes import DriftState as StateName


class Rates(NamedTuple):
    """How often may be said what is not so.

    Attributes:
        window: false alarms a window at most.
        day: false alarms a day at most, of the windows of one length; None for no limit.
        calm: windows in a row after which a state falls.
    """

    window: float
    day: float | None
    calm: int


class Tracker:
    """Follows the states of the features, in their order, and of their dependence.

    Args:
        reference: what windows are compared with.
        type: what is watched, a value of `ml.drift.type`.
        judge: compares them.
        rates: of false alarms.
        lengths: number of lengths of windows.
    """

    def __init__(self, reference: Reference, type: str, judge: Judge, rates: Rates, lengths: int) -> None:
        self._reference = reference
        self._type = type
        self._judge = judge
        self._rate = rates.window
        checks = len(reference.features) + 1
        self._states = States(lengths, checks, rates.calm)
        self._budgets = [DailyBudget(rates.day) for _ in range(lengths)]
        self._methods: list[str] = [DriftMethod.PSI] * (checks - 1) + [DriftMethod.RANK_CORRELATION]

    def take(self, number: int, window: Block) -> list[DriftFinding]:
        """Judge a window.

        Args:
            number: of its length, the longest last.
            window: its rows.

        Returns:
            A finding for each change of a state.
        """
        rate = self._budgets[number].spend(self._rate, window.end)
        evidence, found, calm = self._judge.judge(window, rate, self._states.levels[number])
        before, now = self._states.update(number, found, calm)
        return [
            self._finding(evidence, check, int(before[check]), int(now[check]))
            for check in np.flatnonzero(before != now).tolist()
        ]

    def _finding(self, evidence: Evidence, check: int, previous: int, level: int) -> DriftFinding:
        minimum = self._judge.minimum
        if check == len(self._reference.features):
            return dependence_finding(self._reference, minimum, evidence, previous, level)
        finding = feature_finding(self._type, self._reference, minimum, evidence, check, previous, level)
        if level > OK:
            self._methods[check] = finding.method
        return finding

    def deciding(self, windows: Sequence[Block | None]) -> list[int | None]:
        """The number of the window that each check has its state from; None as long as there is none.

        Of several, it is the longest: so it is for everything that is ok. A longer one than the one that has found a
        change may be of rows from before it.

        Args:
            windows: the last complete one of each length.
        """
        complete = [number for number, window in enumerate(windows) if window is not None]
        if not complete:
            return [None] * self._states.levels.shape[1]
        levels = self._states.levels[complete]
        last = len(complete) - 1 - np.argmax((levels == levels.max(axis=0))[::-1], axis=0)
        return [complete[each] for each in last.tolist()]

    def states(self, windows: Sequence[Block | None], dependence: bool) -> tuple[DriftState, ...]:
        """The state of every feature, and of their dependence where that is watched.

        Args:
            windows: the last complete one of each length.
            dependence: whether the dependence is watched.
        """
        deciding = self.deciding(windows)
        needed = {number: windows[number] for number in deciding if number is not None}
        # Computed when asked for, not kept: nine numbers a feature and length are more than the windows' own counts.
        said = {number: self._judge.evidence(window) for number, window in needed.items() if window is not None}
        sizes = [None if number is None else said.get(number) for number in deciding]
        levels = self._states.levels.max(axis=0)
        names = [STATES[level] if size else StateName.WARMING_UP for size, level in zip(sizes, levels, strict=True)]
        found = [
            DriftState(
                self._type,
                feature.name if self._type == DriftType.FEATURE else None,
                self._methods[number],
                names[number],
                effect_sizes(size.effects, number) if size else {},
            )
            for number, (feature, size) in enumerate(zip(self._reference.features, sizes, strict=False))
        ]
        if dependence:
            pair = sizes[-1].pair if sizes[-1] else None
            score = {DriftMethod.RANK_CORRELATION: abs(pair.now - pair.before)} if pair else {}
            found.append(DriftState(DriftType.DEPENDENCE, None, self._methods[-1], names[-1], score))
        return tuple(found)

    def snapshot(self) -> dict[str, Any]:
        """As built-in types and arrays."""
        return {
            "budgets": [budget.snapshot() for budget in self._budgets],
            "states": self._states.snapshot(),
            "methods": list(self._methods),
        }

    def restore(self, stored: dict[str, Any]) -> None:
        """Take the states of a snapshot.

        Raises:
            ValueError: it is of another shape; the message names the field.
        """
        if len(stored["methods"]) != len(self._methods):
            raise ValueError(f"methods has {len(stored['methods'])} entries, but {len(self._methods)} were expected")
        self._states.restore(stored["states"])
        for budget, taken in zip(self._budgets, stored["budgets"], strict=True):
            budget.restore(taken)
        self._methods = [str(method) for method in stored["methods"]]
