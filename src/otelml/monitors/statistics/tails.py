"""Tail probabilities of the distributions that the tests need, vectorised, with the standard library and numpy only."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_erfc = np.frompyfunc(math.erfc, 1, 1)
_lgamma = np.frompyfunc(math.lgamma, 1, 1)

_ROOT_HALF = math.sqrt(0.5)
_CHUNK = 256
_NEGLIGIBLE = 1e-17


def normal_two_sided(z: npt.ArrayLike) -> FloatArray:
    """The probability that a standard normal is at least as far from 0 as `z`."""
    return np.asarray(_erfc(np.abs(np.asarray(z, dtype=np.float64)) * _ROOT_HALF), dtype=np.float64)


@lru_cache(maxsize=4)
def _powers(terms: int) -> tuple[FloatArray, FloatArray]:
    """Exponents of the finite sums for even and odd degrees of freedom, and the logarithms of their factorials."""
    exponents = np.arange(terms) + np.array([[0.0], [0.5]])
    return exponents, np.asarray(_lgamma(exponents + 1.0), dtype=np.float64)


def chi_square_tail(statistic: npt.ArrayLike, degrees: npt.ArrayLike) -> FloatArray:
    """The probability that a chi-square variable is at least `statistic`.

    For whole degrees of freedom the regularised incomplete gamma function is a finite sum of positive terms (Abramowitz
    and Stegun 26.4.4 and 26.4.5), so the far tail is as exact as the middle.

    Args:
        statistic: any numbers >= 0, of shape (n,).
        degrees: whole degrees of freedom, of shape (n,); where they are below 1, the answer is 1.
    """
    half = np.maximum(np.asarray(statistic, dtype=np.float64), 0.0)[..., None] / 2.0
    whole = np.asarray(degrees, dtype=np.intp)
    if whole.size == 0:
        return np.ones(whole.shape)
    parity = whole & 1
    exponents, factorials = _powers(max(1, (int(whole.max()) + 1) // 2))
    powers = exponents[parity]
    terms = np.exp(powers * np.log(np.maximum(half, 1e-300)) - half - factorials[parity])
    tail = np.where(powers <= whole[..., None] / 2.0 - 0.75, terms, 0.0).sum(axis=-1)
    odd = parity.astype(bool)
    if odd.any():
        tail[odd] += np.asarray(_erfc(np.sqrt(half[odd, 0])), dtype=np.float64)
    return np.where(whole < 1, 1.0, np.minimum(tail, 1.0))


def beta_binomial_upper(successes: int, rows: int, a: float, b: float) -> float:
    """The probability of at least so many successes in `rows` draws whose rate has a Beta(a, b) distribution."""
    if successes <= 0:
        return 1.0
    if successes > rows:
        return 0.0
    if successes > rows * a / (a + b):
        return _sum_from(successes, rows, a, b)
    return max(0.0, 1.0 - beta_binomial_lower(successes - 1, rows, a, b))


def beta_binomial_lower(successes: int, rows: int, a: float, b: float) -> float:
    """The probability of at most so many successes in `rows` draws whose rate has a Beta(a, b) distribution."""
    return beta_binomial_upper(rows - successes, rows, b, a)


def _sum_from(first: int, rows: int, a: float, b: float) -> float:
    """The sum of the probabilities of `first` and more successes, `first` above the mean, so that terms fall."""
    term = math.exp(
        math.lgamma(rows + 1)
        - math.lgamma(first + 1)
        - math.lgamma(rows - first + 1)
        + math.lgamma(first + a)
        + math.lgamma(rows - first + b)
        - math.lgamma(rows + a + b)
        + math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
    )
    total = term
    while first < rows and term > _NEGLIGIBLE * total:
        at: npt.NDArray[Any] = np.arange(first, min(rows, first + _CHUNK), dtype=np.float64)
        terms = term * np.cumprod((rows - at) * (a + at) / ((at + 1.0) * (rows - at - 1.0 + b)))
        total += float(terms.sum())
        term = float(terms[-1])
        first += _CHUNK
    return min(1.0, total)
