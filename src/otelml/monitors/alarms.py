"""When a significant window is said: the share of false alarms that it may spend, and the state with its hysteresis."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

Levels = npt.NDArray[np.int8]

OK, WARNING, DRIFTED = range(3)

_DAY = 86_400.0


class DailyBudget:
    """False alarms are earned with time and spent by windows: a fast stream has no more of them in a day.

    The account starts full and holds a day's budget. A window may spend its usual rate, but no more than half of the
    account. By linearity of expectation, the expected number of false alarms of d days is below (d + 1) times the
    budget, however the windows depend on each other. Windows without a time have their usual rate.

    Args:
        per_day: expected false alarms a day; None for no limit.
    """

    def __init__(self, per_day: float | None) -> None:
        self.per_day = per_day
        self.balance = per_day or 0.0
        self._last: float | None = None

    def spend(self, rate: float, end: datetime | None) -> float:
        """The rate of false alarms that the window ending then may have."""
        if self.per_day is None or end is None:
            return rate
        now = end.timestamp()
        if self._last is not None:
            self.balance = min(self.per_day, self.balance + max(0.0, now - self._last) / _DAY * self.per_day)
        self._last = now if self._last is None else max(now, self._last)
        spent = min(rate, self.balance / 2.0)
        self.balance -= spent
        return spent

    def snapshot(self) -> dict[str, Any]:
        """As built-in types."""
        return {"balance": self.balance, "last": self._last}

    def restore(self, stored: dict[str, Any]) -> None:
        """Take the account of a snapshot."""
        self.balance = min(float(stored["balance"]), self.per_day or 0.0)
        self._last = None if stored["last"] is None else float(stored["last"])


class States:
    """The level of every check by length of window; a check is as bad as its worst length.

    A level rises at once. It falls after `calm` windows of the same length in a row that are lower, and far from
    significant where the level is to become `OK`.

    Args:
        lengths: number of lengths of windows.
        checks: number of checks.
        calm: number of windows.
    """

    def __init__(self, lengths: int, checks: int, calm: int) -> None:
        self.calm = calm
        self.levels: Levels = np.zeros((lengths, checks), dtype=np.int8)
        self._calm_for: Levels = np.zeros((lengths, checks), dtype=np.int8)

    def update(self, length: int, found: Levels, is_calm: npt.NDArray[np.bool_]) -> tuple[Levels, Levels]:
        """Take the levels found in a window.

        Args:
            length: the number of its length.
            found: the level of each check, of shape (checks,).
            is_calm: which checks are far from significant, of shape (checks,).

        Returns:
            The level of each check over all lengths, before and now.
        """
        before = self.levels.max(axis=0)
        levels, calm_for = self.levels[length], self._calm_for[length]
        lower = (found < levels) & (is_calm | (found > OK))
        calm_for[:] = np.where(lower, calm_for + 1, 0)
        settled = calm_for >= self.calm
        levels[:] = np.where((found > levels) | settled, found, levels)
        calm_for[settled] = 0
        return before, self.levels.max(axis=0)

    def snapshot(self) -> dict[str, Any]:
        """As arrays."""
        return {"levels": self.levels.copy(), "calm_for": self._calm_for.copy()}

    def restore(self, stored: dict[str, Any]) -> None:
        """Take the levels of a snapshot.

        Raises:
            ValueError: it is of another shape, or holds unknown levels.
        """
        levels, calm_for = (np.asarray(stored[name]) for name in ("levels", "calm_for"))
        if levels.shape != self.levels.shape or calm_for.shape != self.levels.shape:
            raise ValueError(f"levels has shape {levels.shape}, but {self.levels.shape} was expected")
        if levels.min(initial=OK) < OK or levels.max(initial=OK) > DRIFTED:
            raise ValueError("levels holds numbers that are not levels")
        self.levels, self._calm_for = levels.astype(np.int8), calm_for.astype(np.int8)
