"""Two-sample rank tests on counts: the values of a bin are tied, so that bins in order are all that the tests need."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class RankTests(NamedTuple):
    """Standard normal scores of the two tests, of shape (features,).

    Attributes:
        location: of Mann and Whitney; above 0 where the window's values are higher than the reference's.
        scale: of Mood; above 0 where the window's values are more spread.
    """

    location: FloatArray
    scale: FloatArray


def rank_tests(reference: npt.ArrayLike, window: npt.ArrayLike) -> RankTests:
    """Compare counts over bins in ascending order, both tests at once, for all features.

    Location: Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the
    other", 1947, with the variance corrected for ties. Scale: Mood, "On the asymptotic efficiency of certain
    nonparametric two-sample tests", 1954, with tied values taking the mean score of their ranks (Mielke, "Note on some
    squared rank tests with existing ties", 1967). Both variances are those of the permutation distribution, so they
    hold the sampling error of the reference too.

    Args:
        reference: counts of shape (features, bins).
        window: counts of shape (features, bins), over the same bins.
    """
    first = np.asarray(reference, dtype=np.float64)
    second = np.asarray(window, dtype=np.float64)
    both = first + second
    upto = np.cumsum(both, axis=1)
    total = upto[:, -1:]
    rank = upto - 0.5 * (both + total)  # the mean rank of a bin, less the mean of all ranks
    squared = rank * rank + (both * both - 1.0) / 12.0 - (total * total - 1.0) / 12.0  # the same of squared ranks
    rows = second.sum(axis=1)
    whole = total[:, 0]
    factor = rows * (whole - rows) / np.maximum(whole * (whole - 1.0), 1.0)
    return RankTests(_score(second, both, rank, factor), _score(second, both, squared, factor))


def _score(window: FloatArray, both: FloatArray, scores: FloatArray, factor: FloatArray) -> FloatArray:
    """A linear rank statistic in units of its standard deviation; `scores` have mean 0 over all rows."""
    weighted = both * scores
    variance = factor * np.einsum("ij,ij->i", weighted, scores)
    deviation = np.einsum("ij,ij->i", window, scores)
    score: FloatArray = np.divide(deviation, np.sqrt(variance), out=np.zeros_like(deviation), where=variance > 1e-9)
    return score
