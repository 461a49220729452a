"""How large a change is, whatever the number of rows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SMOOTHING = 0.5
"""Rows added to each cell, so that an empty one has a logarithm (Laplace's rule with Jeffreys' half)."""

_GRID = 240
_LARGEST = 400.0


def shares(counts: npt.ArrayLike, cells: npt.ArrayLike, smoothing: float = 0.0) -> FloatArray:
    """Counts as shares of all rows, of shape (features, cells); 0 in cells that a feature does not have."""
    number = np.where(np.asarray(cells, dtype=bool), np.asarray(counts, dtype=np.float64) + smoothing, 0.0)
    rows = number.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(number, rows, out=np.zeros_like(number), where=rows > 0), dtype=np.float64)


def population_stability_index(reference: npt.ArrayLike, window: npt.ArrayLike, cells: npt.ArrayLike) -> FloatArray:
    """The sum over cells of (q - p) ln(q / p), of shape (features,): Jeffreys' divergence of the two histograms.

    Args:
        reference: counts of shape (features, cells).
        window: counts of shape (features, cells).
        cells: which cells a feature has, of shape (features, cells).
    """
    first, second = shares(reference, cells, SMOOTHING), shares(window, cells, SMOOTHING)
    present = np.asarray(cells, dtype=bool) & (first > 0) & (second > 0)
    ratio = np.divide(second, first, out=np.ones_like(first), where=present)
    return np.asarray(((second - first) * np.log(ratio)).sum(axis=1), dtype=np.float64)


def psi_bias(reference: npt.ArrayLike, window: npt.ArrayLike, cells: npt.ArrayLike) -> FloatArray:
    """The population stability index that sampling alone is expected to give, of shape (features,).

    For full cells it is (cells - 1)(1/n + 1/m) (Yurdakul and Naranjo, "Statistical properties of the population
    stability index", 2020). A thin cell adds less, or more: its part is the expectation over Poisson counts.
    """
    first = np.where(np.asarray(cells, dtype=bool), np.asarray(reference, dtype=np.float64), 0.0)
    second = np.where(np.asarray(cells, dtype=bool), np.asarray(window, dtype=np.float64), 0.0)
    before, rows = first.sum(axis=1, keepdims=True), second.sum(axis=1, keepdims=True)
    both = (first + second) / np.maximum(before + rows, 1.0)
    smoothed = np.maximum(SMOOTHING * np.asarray(cells, dtype=bool).sum(axis=1, keepdims=True), 1.0)
    of_window, of_reference = _part(both * rows) / (rows + smoothed), _part(both * before) / (before + smoothed)
    return np.asarray(((of_window + of_reference) * (1.0 - both)).sum(axis=1), dtype=np.float64)


def _part(expected: FloatArray) -> FloatArray:
    """What a cell adds to the bias, times the number of rows: towards 1 as the cell fills."""
    grid, parts = _parts()
    return np.interp(expected, grid, parts)


@lru_cache(maxsize=1)
def _parts() -> tuple[FloatArray, FloatArray]:
    """E[(X - e) ln(X + 1/2)] for Poisson counts X with expectation e, on a grid of e."""
    grid = np.concatenate([[0.0], np.geomspace(1e-3, _LARGEST, _GRID)])
    counts = np.arange(int(_LARGEST + 12 * np.sqrt(_LARGEST)))
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(counts[1:], 1.0)))])
    expected = np.maximum(grid[:, None], 1e-300)
    chance = np.exp(counts * np.log(expected) - expected - factorials)
    return grid, (chance * (counts - expected) * np.log(counts + SMOOTHING)).sum(axis=1)


def corrected_psi(reference: npt.ArrayLike, window: npt.ArrayLike, cells: npt.ArrayLike) -> FloatArray:
    """The population stability index less its bias, of shape (features,); 0 on average where nothing has changed."""
    return population_stability_index(reference, window, cells) - psi_bias(reference, window, cells)


def jensen_shannon(reference: npt.ArrayLike, window: npt.ArrayLike, cells: npt.ArrayLike) -> FloatArray:
    """The Jensen-Shannon distance, the root of the divergence in bits: 0 for equal shares, 1 for disjoint ones.

    Lin, "Divergence measures based on the Shannon entropy", 1991; Endres and Schindelin, "A new metric for probability
    distributions", 2003.
    """
    first, second = shares(reference, cells), shares(window, cells)
    middle = (first + second) / 2.0
    divergence = (_relative_entropy(first, middle) + _relative_entropy(second, middle)) / 2.0
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0) / np.log(2.0)), dtype=np.float64)


def _relative_entropy(p: FloatArray, q: FloatArray) -> FloatArray:
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log(ratio)).sum(axis=1), dtype=np.float64)


def kolmogorov_smirnov(reference: npt.ArrayLike, window: npt.ArrayLike) -> FloatArray:
    """The largest distance of the two cumulative shares over bins in ascending order, of shape (features,)."""
    everywhere = np.ones(np.shape(reference), dtype=bool)
    apart = np.cumsum(shares(window, everywhere) - shares(reference, everywhere), axis=1)
    return np.asarray(np.abs(apart).max(axis=1), dtype=np.float64)


def wasserstein(
    reference: npt.ArrayLike, window: npt.ArrayLike, centers: npt.ArrayLike, spread: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """The first Wasserstein distance between the bins' mean values, and the shift of the mean, in units of the spread.

    Args:
        reference: counts of shape (features, bins), bins in ascending order.
        window: counts of shape (features, bins).
        centers: the mean value of each bin, of shape (features, bins), ascending.
        spread: a robust standard deviation of each feature, of shape (features,), above 0.

    Returns:
        The distance, and the mean of the window less that of the reference: its sign is the direction, and both have
        the same size where all values moved the same way. Shape (features,).
    """
    everywhere = np.ones(np.shape(reference), dtype=bool)
    place = np.asarray(centers, dtype=np.float64)
    apart = shares(window, everywhere) - shares(reference, everywhere)
    distance = (np.abs(np.cumsum(apart, axis=1)[:, :-1]) * np.diff(place, axis=1)).sum(axis=1)
    unit = np.asarray(spread, dtype=np.float64)
    return distance / unit, (apart * place).sum(axis=1) / unit
