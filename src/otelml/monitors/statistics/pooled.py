"""A chi-square test of two samples over the same cells, with thin cells pooled."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from otelml.monitors.statistics.tails import chi_square_tail

FloatArray = npt.NDArray[np.float64]

LEAST_EXPECTED: Final = 5.0
"""Cochran, "Some methods for strengthening the common chi-square tests", 1954: fewer make the tail wrong."""

POWER: Final = 0.5
"""Of the power-divergence family, which has Pearson's statistic at 1 and the likelihood ratio's at 0.

At the levels that matter here Pearson's statistic rejects up to five times too often (3e-5, 200 rows against 10,000,
the cells of `shares` 1/k or three cells of 5, 90 and 5%), the one with 1/2 at most 1.8 times.
"""


def pooled_chi_square(
    reference: npt.ArrayLike, window: npt.ArrayLike, least_expected: float = LEAST_EXPECTED
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """The statistic and its degrees of freedom, for all features.

    Cressie and Read, "Multinomial goodness-of-fit tests", 1984, of a table of two rows. Cells in which fewer than
    `least_expected` rows of the window are expected are pooled into one; if that one is too thin as well, it joins
    the cell with the most rows.

    Args:
        reference: counts of shape (features, cells).
        window: counts of shape (features, cells); 0 in cells that a feature does not have.
        least_expected: the least number of rows expected in a cell.

    Returns:
        Statistics and degrees of freedom, of shape (features,); 0 degrees where there is nothing to compare.
    """
    shape = np.shape(window)
    second, both = np.zeros((shape[0], shape[1] + 1)), np.zeros((shape[0], shape[1] + 1))  # the last cell is the pool
    second[:, :-1] = window
    both[:, :-1] = second[:, :-1] + reference
    whole, rows = both.sum(axis=1), second.sum(axis=1)
    share = rows / np.maximum(whole, 1.0)
    thick = both * share[:, None] >= least_expected
    of_window = rows - (second * thick).sum(axis=1)
    pool = whole - (both * thick).sum(axis=1)
    alone = pool * share >= least_expected
    second *= thick
    both *= thick
    joined = np.arange(shape[0]), np.where(alone, shape[1], both.argmax(axis=1))
    both[joined] += pool
    second[joined] += of_window
    degrees = np.maximum(thick.sum(axis=1) + alone - 1, 0)
    expected = both * share[:, None]
    statistic = _divergence(second, expected) + _divergence(both - second, both - expected)
    statistic *= 2.0 / (POWER * (POWER + 1.0))
    compared = (degrees > 0) & (share > 0) & (share < 1)
    return np.where(compared, np.maximum(statistic, 0.0), 0.0), degrees.astype(np.intp)


def _divergence(observed: FloatArray, expected: FloatArray) -> FloatArray:
    ratio = np.sqrt(observed / np.maximum(expected, 1e-12))
    return np.asarray(np.einsum("ij,ij->i", observed, ratio) - observed.sum(axis=1), dtype=np.float64)


def chi_square_test(reference: npt.ArrayLike, window: npt.ArrayLike) -> FloatArray:
    """The p-values of `pooled_chi_square`, of shape (features,); 1 where there is nothing to compare."""
    return chi_square_tail(*pooled_chi_square(reference, window))
