"""One window against the reference: p-values of every test for every feature, and effect sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.layout import ABOVE, BELOW, MISSING, UNLISTED
from otelml.monitors.statistics import (
    chi_square_test,
    corrected_psi,
    jensen_shannon,
    kolmogorov_smirnov,
    normal_two_sided,
    population_stability_index,
    rank_tests,
    rate_above,
    rate_below,
    wasserstein,
    weighted_bonferroni,
)
from otelml.monitors.statistics.rates import CLOSED, JEFFREYS
from otelml.semconv.attributes import DriftMethod

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LOCATION, SCALE, SHAPE, ENDS, CATEGORY, MISSING_MORE, MISSING_LESS, UNSEEN, OUTSIDE = range(9)

METHODS: Final = (
    DriftMethod.MANN_WHITNEY,
    DriftMethod.MOOD,
    DriftMethod.CHI_SQUARE,
    DriftMethod.CHI_SQUARE,
    *[DriftMethod.BETA_BINOMIAL] * 5,
)
"""The method by test."""

_ORDERED_WEIGHTS = (0.34, 0.10, 0.14, 0.09, 0.0, 0.09, 0.01, 0.01, 0.22)
_LISTED_WEIGHTS = (0.0, 0.0, 0.22, 0.0, 0.40, 0.10, 0.01, 0.27, 0.0)
"""Shares of a feature's false alarms by test; large where a test of what never happens spends little of its own."""

_WEIGHTS = np.array([_LISTED_WEIGHTS, _ORDERED_WEIGHTS]).T

_TELLS_MORE = 1e-4
"""A location or scale as surely changed is told rather than a shape, though the shape may be still surer."""

_STANDS_OUT = 3.0
"""Standard deviations above its usual number from which on a category's exact tail is worth its cost."""


class Cells(Protocol):
    """What a comparison takes from a reference; see `otelml.monitors.reference.Reference`."""

    @property
    def counts(self) -> npt.NDArray[np.int64]: ...  # noqa: D102
    @property
    def valid(self) -> BoolArray: ...  # noqa: D102
    @property
    def ordered(self) -> BoolArray: ...  # noqa: D102
    @property
    def centers(self) -> FloatArray: ...  # noqa: D102
    @property
    def spread(self) -> FloatArray: ...  # noqa: D102


class Compared(NamedTuple):
    """The p-values of a window.

    Attributes:
        tests: p-values of shape (tests, features).
        p: one p-value for each feature, adjusted for its tests.
        decisive: the test that counts for the feature.
        location: normal score of the window's values: above 0 where they are higher.
        scale: normal score: above 0 where they are more spread.
    """

    tests: FloatArray
    p: FloatArray
    decisive: npt.NDArray[np.intp]
    location: FloatArray
    scale: FloatArray


@dataclass(frozen=True, slots=True)
class Effects:
    """Effect sizes by feature; NaN where a size has no meaning.

    Attributes:
        psi: population stability index, as it is.
        corrected: less what sampling alone gives.
        jensen_shannon: distance, 0 to 1.
        ks: largest distance of the cumulative shares, of ordered features.
        wasserstein: distance in spreads, of ordered features.
        shift: of the mean in spreads, of ordered features; its sign is the direction.
        rates: change of the share of rows that are missing, unlisted, out of range; shape (3, features).
    """

    psi: FloatArray
    corrected: FloatArray
    jensen_shannon: FloatArray
    ks: FloatArray
    wasserstein: FloatArray
    shift: FloatArray
    rates: FloatArray


class Comparison:
    """Compares windows with a reference, given as counts; both hold the same features and cells.

    Each test asks one question of a feature, with a share of its false alarms: is the location, the scale, the shape
    another, are more or fewer values missing, are there more values that the reference has not seen, or outside of
    its range?
    """

    def __init__(self, cells: Cells) -> None:
        self.valid = np.asarray(cells.valid, dtype=bool)
        self.ordered = np.asarray(cells.ordered, dtype=bool)
        self._rows = np.flatnonzero(self.ordered)
        columns = self.valid.shape[1]
        bins = self.valid[self._rows, :MISSING].sum(axis=1)
        self._last = np.maximum(bins - 1, 0)
        ascending = np.array([columns + BELOW, *range(columns + MISSING), columns + ABOVE])
        self._ascending = np.ix_(self._rows, ascending)
        self._shape = self.valid.copy()
        self._shape[:, MISSING] = False
        self._shape[self.ordered, UNLISTED] = False
        self._shape[~self.ordered, BELOW:] = False
        self._shape[~self.ordered, UNLISTED] = True
        self._listed = np.flatnonzero(~self.ordered)
        self._kept = self.valid[self._listed]
        self._kept[:, MISSING:] = False
        self._categories = self._kept.sum(axis=1)
        self._cells = cells

    @property
    def weights(self) -> FloatArray:
        """The shares of the tests, of shape (tests, features); they depend on whether the feature is ordered."""
        return _WEIGHTS.take(self.ordered.view(np.int8), axis=1)

    def test(self, reference: npt.NDArray[np.generic], window: npt.NDArray[np.generic]) -> Compared:
        """The p-values of a window; both are counts of shape (features, cells)."""
        first, second = reference.astype(np.float64), window.astype(np.float64)
        features = len(first)
        tests = np.ones((len(METHODS), features))
        location, scale = np.zeros(features), np.zeros(features)
        if self._rows.size:
            ascending = first[self._ascending], second[self._ascending]
            ranks = rank_tests(*ascending)
            location[self._rows], scale[self._rows] = ranks
            tests[: SCALE + 1, self._rows] = normal_two_sided(np.stack(ranks))
        p = chi_square_test(self._tables(first), self._tables(second))
        tests[SHAPE], tests[ENDS, self._rows] = p[:features], p[features:]
        self._rates(tests, first, second)
        weights = self.weights
        weighted = np.divide(tests, weights, out=np.full(tests.shape, np.inf), where=weights > 0)
        decisive = weighted.argmin(axis=0)
        told = ((decisive == SHAPE) | (decisive == ENDS)) & (weighted[:SHAPE].min(axis=0) <= _TELLS_MORE)
        decisive[told] = weighted[:SHAPE, told].argmin(axis=0)
        return Compared(tests, weighted_bonferroni(tests, weights), decisive, location, scale)

    def _tables(self, counts: FloatArray) -> FloatArray:
        """What chi-square compares: the shape of all features, then the ends of the ordered ones.

        The ends are the rows in the first bin and below, in the last and above, and between: a limited range shows a
        shift there first.
        """
        tables = np.zeros((len(counts) + len(self._rows), counts.shape[1]))
        shape = np.multiply(counts, self._shape, out=tables[: len(counts)])
        ordered, ends = shape[self._rows], tables[len(counts) :]
        ends[:, 0] = ordered[:, 0] + ordered[:, BELOW]
        ends[:, 1] = np.where(self._last > 0, ordered[np.arange(len(ordered)), self._last] + ordered[:, ABOVE], 0.0)
        ends[:, 2] = ordered.sum(axis=1) - ends[:, 0] - ends[:, 1]
        return tables

    def _rates(self, tests: FloatArray, first: FloatArray, second: FloatArray) -> None:
        of, rows = first.sum(axis=1), second.sum(axis=1)
        if self._listed.size:
            self._category(tests, first, second, of, rows)
        before, now = _special_rates(first), _special_rates(second)
        usual = before * (rows / np.maximum(of, 1.0))
        for kind, feature in zip(*np.nonzero(now > usual), strict=True):
            prior = JEFFREYS if before[kind, feature] > 0 else CLOSED
            number, rate = (now[kind, feature], rows[feature]), (before[kind, feature], of[feature])
            tests[(MISSING_MORE, UNSEEN, OUTSIDE)[kind], feature] = rate_above(*number, *rate, prior)
        for feature in np.flatnonzero(now[0] < usual[0]):
            tests[MISSING_LESS, feature] = rate_below(now[0, feature], rows[feature], before[0, feature], of[feature])

    def _category(
        self, tests: FloatArray, first: FloatArray, second: FloatArray, of: FloatArray, rows: FloatArray
    ) -> None:
        """One category has become more common: among many rare ones, chi-square pools it with the others."""
        now, before = second[self._listed] * self._kept, first[self._listed] * self._kept
        expected = (before + now) * (rows / np.maximum(of + rows, 1.0))[self._listed, None]
        excess = (now - expected) / np.sqrt(np.maximum(expected, 0.25))
        leading = excess.argmax(axis=1)
        for at in np.flatnonzero(excess.max(axis=1) > _STANDS_OUT):
            feature, cell = self._listed[at], leading[at]
            p = rate_above(now[at, cell], rows[feature], before[at, cell], of[feature])
            tests[CATEGORY, feature] = min(1.0, p * self._categories[at])

    def effects(self, reference: npt.NDArray[np.generic], window: npt.NDArray[np.generic]) -> Effects:
        """The effect sizes of a window; both are counts of shape (features, cells)."""
        first, second = reference.astype(np.float64), window.astype(np.float64)
        cells = self.valid | (second > 0)
        nothing = np.full((4, len(first)), np.nan)
        if self._rows.size:
            ascending = first[self._ascending], second[self._ascending]
            nothing[0, self._rows] = kolmogorov_smirnov(*ascending)
            nothing[1:3, self._rows] = wasserstein(*ascending, *_centers(self._cells, self._rows))
        return Effects(
            psi=population_stability_index(first, second, cells),
            corrected=corrected_psi(first, second, cells),
            jensen_shannon=jensen_shannon(first, second, cells),
            ks=nothing[0],
            wasserstein=nothing[1],
            shift=nothing[2],
            rates=_share(_special_rates(second), second) - _share(_special_rates(first), first),
        )


def _special_rates(counts: FloatArray) -> FloatArray:
    """Rows that are missing, unlisted and out of range, of shape (3, features)."""
    return np.stack([counts[:, MISSING], counts[:, UNLISTED], counts[:, BELOW] + counts[:, ABOVE]])


def _share(number: FloatArray, counts: FloatArray) -> FloatArray:
    return np.asarray(number / np.maximum(counts.sum(axis=1), 1.0), dtype=np.float64)


def _centers(cells: Cells, rows: npt.NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
    """Where the cells of ordered features stand, in ascending order (below, the bins, above), and their spreads.

    Rows out of range count as if they were one spread outside: a robust distance must not follow a wild value.
    """
    filled = np.asarray(cells.centers, dtype=np.float64)[rows][:, :MISSING]
    spread = np.asarray(cells.spread, dtype=np.float64)[rows]
    for column in range(1, filled.shape[1]):
        filled[:, column] = np.where(np.isnan(filled[:, column]), filled[:, column - 1], filled[:, column])
    filled = np.where(np.isnan(filled), 0.0, filled)
    return np.column_stack([filled[:, 0] - spread, filled, filled[:, -1] + spread]), spread
