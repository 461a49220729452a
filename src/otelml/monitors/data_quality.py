"""Broken data: what the inputs of a model have that its training data had not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from otelml.monitors.data_quality_checks import Checks, Verdict, schema_verdict, stale_verdict
from otelml.monitors.data_quality_window import QualityWindow
from otelml.monitors.reference.layout import NO_CHANGES, Binned
from otelml.monitors.reference.reference import Reference
from otelml.observations.findings import QualityFinding
from otelml.observations.states import QualityCount
from otelml.semconv.attributes import DataQualityCheckName as Check
from otelml.semconv.attributes import DataQualityCheckResult as Result

TOLERANCES: Final[Mapping[str, float]] = MappingProxyType(
    {
        Check.NOT_NULL: 0.01,
        Check.RANGE: 0.005,
        Check.CATEGORY: 0.005,
        Check.TYPE: 0.005,
        Check.FINITE: 0.005,
        Check.UNIQUE: 0.05,
    }
)
"""By how much a rate may exceed the training data's: a point of missing values, half a point of values out of range, of
categories, types and infinite values, 5 points of repeated rows (which come in bursts, so a test alone is no guard)."""

CHECKS: Final = (*TOLERANCES, Check.CONSTANT, Check.SCHEMA, Check.FRESHNESS)
DAY: Final = 86_400.0
MOST_FINDINGS: Final = 20
"""Findings of one check in one window; further ones are summed up in one."""

_Key = tuple[str, str | None]


class DataQualityMonitor:
    """Compares windows of rows with a reference, and says when a check begins to fail and when it passes again.

    Checks, by their names in telemetry:

    - `not_null`: more missing values than in training. `range`: more numbers outside the reference's limits (of texts,
      their lengths; datetimes are left out, as time goes on). `category`: more values of categories that are not
      listed. `type`: values of another type (a text among numbers). `finite`: infinite values. `unique`: more rows that
      equal another one of the same 256 rows. Each of these fails if the rate exceeds the training data's by more than
      a tolerance and the exact beta-binomial tail rules out chance; it passes again when the rate is back under the
      tolerance. One value of another type, or an infinite one, is enough where training had none.
    - `constant`: all values of a column are the same, which varied in training, by more than chance.
    - `schema`: columns that are missing, new, renamed or in another order; said at once, not at the end of a window.
    - `freshness`: the newest value of a datetime column is older than `max_age`. Watched are columns given in `ages`,
      and those of which half the values of a window were once younger than `max_age`: a date of birth is not.

    Memory: a matrix of counts (8 bytes x cells x features), and 256 numbers.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> monitor = DataQualityMonitor(Reference.build(rng.normal(size=(10_000, 3))))
    >>> live = rng.normal(size=(1_000, 3))
    >>> monitor.update(live)
    []
    >>> live[:40, 1] = np.nan
    >>> print(monitor.update(live)[0].message)
    'x1': 4.0% of 1,000 values are missing; in training 0.0%.
    """

    def __init__(
        self,
        reference: Reference,
        *,
        window: int = 1_000,
        seconds: float | None = None,
        false_alarm_rate: float = 0.001,
        tolerances: Mapping[str, float] = MappingProxyType({}),
        max_age: float = DAY,
        ages: Mapping[str, float] = MappingProxyType({}),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Watch rows against a reference.

        Args:
            reference: the profile of the training data.
            window: number of rows that are judged together; a larger batch is a window of its own.
            seconds: a window of at least 50 rows ends after that long, too.
            false_alarm_rate: the share of windows in which chance alone makes any check fail, at most.
            tolerances: by check, by how much a rate may exceed the training data's; see `TOLERANCES`.
            max_age: of the newest timestamp, in seconds.
            ages: by datetime column, its own limit, in seconds.
            clock: seconds since 1970.

        Raises:
            ValueError: a check or datetime column that does not exist, or a window without rows.
        """
        if window < 1:
            raise ValueError(f"window={window}: give the number of rows that are judged together.")
        unknown = sorted(set(tolerances) - set(TOLERANCES))
        if unknown:
            raise ValueError(f"There is no rate check {unknown[0]!r}. There are: {', '.join(sorted(TOLERANCES))}.")
        strange = sorted(set(ages) - {feature.name for feature in reference.features})
        if strange:
            raise ValueError(f"The reference has no column {strange[0]!r}.")
        self.reference = reference
        self._length = window
        self._seconds = seconds
        self._max_age = max_age
        self._ages = dict(ages)
        self._clock = clock
        features = len(reference.features)
        self._checks = Checks(reference, {**TOLERANCES, **tolerances}, false_alarm_rate / (6 * features + 1))
        self._window = QualityWindow(reference)
        self.reset()

    def reset(self) -> None:
        """Forget all rows, states and totals."""
        self._window.clear()
        self._window.forget_waiting()
        self._began: float | None = None
        self._failing: set[_Key] = set()
        self._columns = NO_CHANGES
        self._fresh: set[str] = set(self._ages)
        self._passed: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._violations: Counter[str] = Counter()

    def update(self, X: Any) -> list[QualityFinding]:
        """Take rows.

        Args:
            X: a table of any supported type, shape (n, columns).

        Returns:
            A finding for each check that has begun to fail, or passes again.

        Raises:
            TypeError: not a table.
        """
        return self.update_binned(self.reference.bin(X))

    def update_binned(self, binned: Binned) -> list[QualityFinding]:
        """Take rows that `Reference.bin` has binned."""
        self._window.add(binned)
        findings = self._changed_columns(binned) if binned.columns is not self._columns else []
        if self._window.rows < self._length and not self._over(binned.rows):
            return findings
        findings += self._judged()
        self._window.clear()
        self._began = None
        return findings

    @property
    def counts(self) -> tuple[QualityCount, ...]:
        """Windows that passed and failed each check, and violations in the latter, since the start."""
        return tuple(
            QualityCount(check, self._passed[check], self._failed[check], self._violations[check]) for check in CHECKS
        )

    @property
    def failing(self) -> tuple[_Key, ...]:
        """The checks that fail now, with the feature where there is one."""
        return tuple(sorted(self._failing, key=lambda key: (key[0], key[1] or "")))

    @property
    def warming_up(self) -> bool:
        """Whether no window is complete yet."""
        return not any(self._passed.values()) and not any(self._failed.values())

    def snapshot(self) -> dict[str, Any]:
        """The state as built-in types and arrays, for `restore`."""
        totals = [dict(counter) for counter in (self._passed, self._failed, self._violations)]
        failing = [list(key) for key in self.failing if key[0] != Check.SCHEMA]
        return {"window": self._window.snapshot(), "totals": totals, "failing": failing, "fresh": sorted(self._fresh)}

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Go on where a monitor with the same reference was when `snapshot` was taken.

        Raises:
            ValueError: the state is not of this reference, or broken.
        """
        self.reset()
        try:
            self._window.restore(stored["window"])
            totals = [Counter({str(k): int(v) for k, v in counts.items()}) for counts in stored["totals"]]
            self._passed, self._failed, self._violations = totals
            self._failing = {(str(check), feature) for check, feature in stored["failing"]}
            self._fresh = set(stored["fresh"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.reset()
            raise ValueError(f"the stored state of data quality is broken: {error!r}") from error

    def _over(self, rows: int) -> bool:
        if self._seconds is None or not rows:
            return False
        now = self._clock()
        if self._began is None:
            self._began = now
        return now - self._began >= self._seconds and self._window.rows >= 50

    def _changed_columns(self, binned: Binned) -> list[QualityFinding]:
        """Say at once that columns have changed; that they are as they were is said at the end of a clean window."""
        if not binned.rows or binned.columns in (NO_CHANGES, self._columns):
            return []
        self._columns = binned.columns
        self._failing.add((Check.SCHEMA, None))
        return [_finding(schema_verdict(binned.columns, binned.rows), Result.FAIL)]

    def _judged(self) -> list[QualityFinding]:
        window = self._window
        verdicts = [*self._checks.failing(window), *self._stale()]
        if window.columns != NO_CHANGES:
            verdicts.append(schema_verdict(window.columns, window.rows))
        else:
            self._columns = NO_CHANGES
        now = {(v.check, v.feature): v for v in verdicts if v.certain or (v.check, v.feature) in self._failing}
        begun = [verdict for key, verdict in now.items() if key not in self._failing]
        over = [key for key in self.failing if key not in now]
        self._failing = set(now)
        self._count(now.values())
        return [*_capped(begun), *(self._passes(key) for key in over[: MOST_FINDINGS * len(CHECKS)])]

    def _stale(self) -> list[Verdict]:
        now, stale = self._clock(), []
        for name, (newest, middle) in self._window.newest.items():
            limit = self._ages.get(name, self._max_age)
            if name in self._fresh and now - newest > limit:
                stale.append(stale_verdict(name, now - newest, limit, self._window.rows))
            elif abs(now - middle) <= limit:
                self._fresh.add(name)
        return stale

    def _count(self, verdicts: Iterable[Verdict]) -> None:
        failed: set[str] = set()
        for verdict in verdicts:
            failed.add(verdict.check)
            self._violations[verdict.check] += verdict.violations
        self._failed.update(failed)
        self._passed.update(set(CHECKS) - failed)

    def _passes(self, key: _Key) -> QualityFinding:
        check, feature = key
        subject = f"{feature!r}: the" if feature is not None else "The"
        text = f"{subject} check {check} passes again, over {self._window.rows:,} rows."
        return QualityFinding(check, feature, Result.PASS, 0, self._window.rows, text)


def _finding(verdict: Verdict, result: str) -> QualityFinding:
    return QualityFinding(
        verdict.check,
        verdict.feature,
        result,
        verdict.violations,
        verdict.rows,
        verdict.message,
        verdict.observed,
        verdict.expected,
    )


def _capped(verdicts: Iterable[Verdict]) -> list[QualityFinding]:
    by_check: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_check.setdefault(verdict.check, []).append(verdict)
    findings = []
    for check, those in by_check.items():
        those.sort(key=lambda verdict: -verdict.violations)
        shown, rest = those[:MOST_FINDINGS], those[MOST_FINDINGS:]
        findings += [_finding(verdict, Result.FAIL) for verdict in shown]
        if rest:
            text = f"{len(rest)} more features fail the check {check}."
            findings.append(
                QualityFinding(check, None, Result.FAIL, sum(v.violations for v in rest), shown[0].rows, text)
            )
    return findings
