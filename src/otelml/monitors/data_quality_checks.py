"""What is wrong with the rows of a window, beside the reference.

A check of a rate asks two questions: is the rate higher than the training data foretell, by the exact beta-binomial
tail (`monitors.statistics.rates`), and is it higher by more than a tolerance. What training has never had and chance
does not bring (infinite values, another type, another column) needs no test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from otelml.monitors.data_quality_window import QualityWindow
from otelml.monitors.reference.labels import shown_value
from otelml.monitors.reference.layout import (
    ABOVE,
    BELOW,
    BINNED,
    DATETIME,
    MISSING,
    UNLISTED,
    Codes,
    ColumnChanges,
    Counts,
    Flags,
    Floats,
)
from otelml.monitors.reference.reference import Reference
from otelml.monitors.statistics.rates import rate_above
from otelml.semconv.attributes import DataQualityCheckName as Check

_FEWEST_ROWS = 30
_REFERENCE_SAMPLE = 20_000  # rows that the share of repeated rows was taken from, at most


class Verdict(NamedTuple):
    """A check that does not pass.

    Attributes:
        check: a value of `ml.data_quality.check.name`.
        feature: the name of the feature; None for a check of rows or columns.
        certain: whether it fails; else the rate is above its limit but could be chance, and the check stays as it was.
        violations: number of values, rows or columns.
        rows: number of rows that were looked at.
        observed: the rate, where there is one.
        expected: the largest rate that passes.
        message: a sentence.
    """

    check: str
    feature: str | None
    certain: bool
    violations: int
    rows: int
    observed: float | None
    expected: float | None
    message: str


class _Rate(NamedTuple):
    """A check of a rate, what it counts in words, and whether one value is too many where training had none."""

    check: str
    words: str
    strict: bool


_RATES = (
    _Rate(Check.NOT_NULL, "missing", False),
    _Rate(Check.RANGE, "out of the training range", False),
    _Rate(Check.CATEGORY, "of a category that training has not seen often enough to list", False),
    _Rate(Check.TYPE, "of another type than in training", True),
    _Rate(Check.FINITE, "infinite", True),
)


class Checks:
    """The checks against one reference."""

    def __init__(self, reference: Reference, tolerances: Mapping[str, float], alpha: float) -> None:
        """Lay out the reference's own rates.

        Args:
            reference: the profile of the training data.
            tolerances: by check, by how much a rate may exceed the training data's.
            alpha: false-alarm rate of one test.
        """
        self._reference = reference
        self._tolerances = tolerances
        self._alpha = alpha
        kinds = [feature.kind for feature in reference.features]
        self._binned: Flags = np.array([kind in BINNED for kind in kinds], dtype=bool)
        self._ranged = self._binned & np.array([kind != DATETIME for kind in kinds], dtype=bool)
        self._allowed: Floats = np.array([[tolerances[rate.check]] for rate in _RATES])
        self._strict: Flags = np.array([[rate.strict] for rate in _RATES])
        own = reference.counts.copy()
        own[:, MISSING] = 0
        self._varied = (own > 0).sum(1) > 1
        self._largest = (own.max(1) + 1) / (own.sum(1) + 2)

    def failing(self, window: QualityWindow) -> Iterator[Verdict]:
        """The checks of a whole window that do not pass, apart from those of columns and freshness."""
        yield from self._rates(window)
        yield from self._constant(window)
        yield from self._repeated(window)

    def _in_training(self) -> Counts:
        """How many of the training values violate each of `_RATES`, of shape (5, F)."""
        counts, nonfinite = self._reference.counts, self._reference.nonfinite
        wrong = np.where(self._binned, counts[:, UNLISTED], 0)
        out = counts[:, BELOW] + counts[:, ABOVE] - nonfinite
        return np.maximum([counts[:, MISSING], out, counts[:, UNLISTED] - wrong, wrong, nonfinite], 0)

    def _rates(self, window: QualityWindow) -> Iterator[Verdict]:
        """Rates above their limits, of all checks and features at once."""
        counts: Counts = window.counts.astype(np.int64)
        rows = counts.sum(1)
        unlisted = counts[:, UNLISTED]
        out = np.where(self._ranged, counts[:, BELOW] + counts[:, ABOVE] - window.nonfinite, 0)
        wrong = np.where(self._binned, unlisted, window.mismatched)
        bad = np.array([counts[:, MISSING], out, unlisted - wrong, wrong, window.nonfinite])
        known = self._in_training()
        limit = known / self._reference.rows + self._allowed
        above = (bad > limit * rows) | (self._strict & (known == 0) & (bad > 0))
        for which, at in np.argwhere(above).tolist():
            yield self._rate(_RATES[which], at, int(bad[which, at]), int(rows[at]), int(known[which, at]))

    def _rate(self, rate: _Rate, at: int, bad: int, rows: int, known: int) -> Verdict:
        name, of = self._reference.features[at].name, self._reference.rows
        never = rate.strict and not known
        certain = never or rate_above(bad, rows, known, of) <= self._alpha
        limit = 0.0 if never else known / of + self._tolerances[rate.check]
        text = (
            f"{name!r}: {_percent(bad / rows)} of {rows:,} values are {rate.words}{self._range_of(rate.check, at)}; "
            f"in training {_percent(known / of)}."
        )
        return Verdict(rate.check, name, certain, bad, rows, bad / rows, limit, text)

    def _range_of(self, check: str, at: int) -> str:
        feature = self._reference.features[at]
        if check != Check.RANGE or not len(feature.edges):
            return ""
        return f" ({shown_value(feature, feature.edges[0])} to {shown_value(feature, feature.edges[-1])})"

    def _constant(self, window: QualityWindow) -> Iterator[Verdict]:
        """Features that varied in training, and of which all values of the window are the same by more than chance."""
        present = window.present
        own = window.counts.copy()
        own[:, MISSING] = own[:, UNLISTED] = 0
        single: Codes = np.flatnonzero(self._varied & (present >= _FEWEST_ROWS) & (own.max(1) == present))
        for at in single.tolist():
            same = not self._binned[at] or window.low[at] == window.high[at]
            chance = int(present[at]) * math.log(self._largest[at])
            if same and chance < math.log(self._alpha):
                value = self._reference.labels(at)[int(own[at].argmax())]
                if self._binned[at]:
                    value = shown_value(self._reference.features[at], float(window.low[at]))
                name = self._reference.features[at].name
                text = f"{name!r}: all {present[at]:,} values are {value}; in training they varied."
                yield Verdict(Check.CONSTANT, name, True, int(present[at]), window.rows, None, None, text)

    def _repeated(self, window: QualityWindow) -> Iterator[Verdict]:
        if window.block < _FEWEST_ROWS or not window.compared:
            return
        of = min(self._reference.rows, _REFERENCE_SAMPLE)
        limit = self._reference.repeated + self._tolerances[Check.UNIQUE]
        observed = window.repeated / window.compared
        if observed > limit:
            p = rate_above(window.repeated, window.compared, self._reference.repeated * of, of)
            text = (
                f"{_percent(observed)} of {window.compared:,} rows repeat another one of the same {window.block} rows; "
                f"in training {_percent(self._reference.repeated)}."
            )
            counts = (window.repeated, window.compared)
            yield Verdict(Check.UNIQUE, None, p <= self._alpha, *counts, observed, limit, text)


def schema_verdict(changes: ColumnChanges, rows: int) -> Verdict:
    """The columns are not those of training."""
    parts = []
    gone = [name for name in changes.vanished if name not in {old for old, _ in changes.renamed}]
    new = [name for name in changes.appeared if name not in {new for _, new in changes.renamed}]
    if changes.renamed:
        parts.append("renamed: " + ", ".join(f"{old!r} is now {new!r}" for old, new in changes.renamed))
    if gone:
        parts.append("missing: " + ", ".join(map(repr, gone)))
    if new:
        parts.append("new: " + ", ".join(map(repr, new)))
    if changes.reordered:
        parts.append("in another order")
    count = len(changes.vanished) + len(changes.appeared) - len(changes.renamed) + changes.reordered
    text = f"The columns are not those of training; {'; '.join(parts)}."
    return Verdict(Check.SCHEMA, None, True, count, rows, None, None, text)


def stale_verdict(feature: str, age: float, limit: float, rows: int) -> Verdict:
    """The newest timestamp of a window is too old; ages in seconds."""
    ages = f"{_duration(age)} old; at most {_duration(limit)} is expected"
    text = f"{feature!r}: the newest of {rows:,} timestamps is {ages}."
    return Verdict(Check.FRESHNESS, feature, True, rows, rows, None, None, text)


def _percent(share: float) -> str:
    share = float(share) * 100
    return f"{share:.1f}%" if share >= 0.1 or share == 0 else f"{share:.2g}%"


def _duration(seconds: float) -> str:
    for length, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
