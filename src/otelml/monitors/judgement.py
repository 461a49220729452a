"""What one window says of every feature, and of their dependence: how far from the reference, and how surely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from otelml.monitors.alarms import DRIFTED, OK, WARNING, Levels
from otelml.monitors.comparison import MISSING_MORE, OUTSIDE, UNSEEN, Compared, Comparison, Effects
from otelml.monitors.dependence import PairChange
from otelml.monitors.lazy import lazy
from otelml.monitors.reference import Reference
from otelml.monitors.reference.layout import DATETIME
from otelml.monitors.statistics import benjamini_hochberg
from otelml.monitors.windows import Block

FloatArray = npt.NDArray[np.float64]

_CALM = 0.05
"""Adjusted p-values above are far from significant: a change that is still there rarely gives one."""

_STILL = 0.8
"""The part of the minimum effect at which what has drifted is still said to be drifted."""

_SHARE_OF_DEPENDENCE = 0.05
"""Of the false alarms; a changed dependence shows in few rows, and needs no more."""


class Minimum(NamedTuple):
    """The least changes that count as drift.

    Attributes:
        effect: of the population stability index, corrected for its bias.
        rate: of the share of rows that are missing, unlisted or out of range.
        correlation: of a rank correlation.
    """

    effect: float
    rate: float
    correlation: float


@dataclass(frozen=True)
class Evidence:
    """A window beside the counts it was compared with."""

    comparison: Comparison
    window: Block
    reference: npt.NDArray[Any]
    compared: Compared
    pair: PairChange | None

    @lazy
    def effects(self) -> Effects:
        """The effect sizes, computed when they are first asked for."""
        return self.comparison.effects(self.reference, self.window.counts)


class Judgement(NamedTuple):
    """The level of every check, the features in order and then their dependence.

    Attributes:
        evidence: what the levels rest on.
        levels: of shape (features + 1,).
        calm: which checks are far from significant, of shape (features + 1,).
    """

    evidence: Evidence
    levels: Levels
    calm: npt.NDArray[np.bool_]


class Judge:
    """Judges windows by a reference.

    Args:
        reference: what windows are compared with.
        minimum: the least changes that count as drift.
    """

    def __init__(self, reference: Reference, minimum: Minimum) -> None:
        self.minimum = minimum
        self._comparison = Comparison(reference)
        self._counts = reference.counts
        self._periods = reference.periods
        self._dependence = reference.dependence
        self._timestamps = np.array([feature.kind == DATETIME for feature in reference.features])

    def evidence(self, window: Block) -> Evidence:
        """Compare a window with the reference of the periods in which its rows came."""
        reference = self._reference_for(window)
        compared = self._comparison.test(reference, window.counts)
        # Time goes on: that a column of timestamps has moved is no news. Data quality tells when it stands still.
        compared = compared._replace(p=np.where(self._timestamps, 1.0, compared.p))
        return Evidence(self._comparison, window, reference, compared, self._pair(window, None))

    def judge(self, window: Block, false_alarms: float, present: Levels) -> Judgement:
        """Judge a window.

        Args:
            window: its rows.
            false_alarms: how likely any check may be significant where nothing has changed.
            present: the levels before, of shape (features + 1,).
        """
        evidence = self.evidence(window)
        watched = evidence.pair is not None
        adjusted = benjamini_hochberg(evidence.compared.p)
        significant = adjusted <= false_alarms * (1.0 - _SHARE_OF_DEPENDENCE * watched)
        levels = np.zeros(len(present), dtype=np.int8)
        calm = np.append(adjusted > _CALM, False)
        if significant.any():
            cut = evidence.compared.p[significant].max()
            levels[:-1] = np.where(significant, self._levels(self._size(evidence, cut), present[:-1]), OK)
            evidence = replace(evidence, pair=self._pair(window, significant))
        pair = evidence.pair
        if pair is not None:
            calm[-1] = pair.p > _CALM
            if pair.p <= false_alarms * _SHARE_OF_DEPENDENCE:
                size = np.array([abs(pair.now - pair.before) / self.minimum.correlation])
                levels[-1:] = self._levels(size, present[-1:])
        return Judgement(evidence, levels, calm)

    def _pair(self, window: Block, without: npt.NDArray[np.bool_] | None) -> PairChange | None:
        if self._dependence is None or not window.products.any():
            return None
        return self._dependence.change(window.products, without)

    def _size(self, evidence: Evidence, cut: float) -> FloatArray:
        """Effect sizes in units of the minimum; of rates, those that are significant themselves."""
        effects, tests = evidence.effects, evidence.compared.tests
        size = effects.corrected / self.minimum.effect
        weights = self._comparison.weights
        for rate, test in enumerate((MISSING_MORE, UNSEEN, OUTSIDE)):
            sure = tests[test] <= cut * weights[test]
            size = np.where(sure, np.maximum(size, effects.rates[rate] / self.minimum.rate), size)
        return np.asarray(size, dtype=np.float64)

    @staticmethod
    def _levels(size: FloatArray, present: Levels) -> Levels:
        needed = np.where(present == DRIFTED, _STILL, 1.0)
        return np.where(size >= needed, DRIFTED, WARNING).astype(np.int8)

    def _reference_for(self, window: Block) -> npt.NDArray[Any]:
        """The counts of the reference, or the mixture of its periods in which the window's rows came.

        Of the mixture, the number of rows is what would have the same sampling error. The window is compared as if
        its rows were drawn from the mixture, which makes the tests a little cautious.
        """
        if self._periods is None or not window.periods.any():
            return self._counts
        part = window.periods / window.periods.sum()
        counts = self._periods.counts.astype(np.float64)
        rows = counts.sum(axis=2)
        used = part > 0
        if not rows[used].all():
            return self._counts  # a period that the reference has never seen
        with np.errstate(divide="ignore", invalid="ignore"):
            size = 1.0 / np.where(used[:, None], part[:, None] ** 2 / rows, 0.0).sum(axis=0)
            shares = np.where(used[:, None, None], counts / rows[:, :, None], 0.0)
        return np.asarray(np.einsum("p,pfc->fc", part, shares) * size[:, None])
