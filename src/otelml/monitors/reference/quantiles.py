"""Bins of a numeric column: quantiles of the training values, robust limits, nothing that is a training value by need.

An edge is the roundest number between two neighbouring values, so it says little about either, reads well, and fits a
32-bit float where the data allow. A value that makes up a bin's worth of rows by itself (the zeros of a zero-inflated
column) has a bin of its own. The limits stand where a normal column has about one value in 500,000 outside.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.layout import Floats

Positions: TypeAlias = npt.NDArray[np.intp]
Packed: TypeAlias = npt.NDArray[np.uint8]

_TAIL = 0.001
_MOST_TRIMMED = 0.25
_REACH = 4.64  # of the limits, in standard deviations of a normal column
_WIDTH_OF_CONSTANT = 1e-6
_CENTER_STEPS = 255


def edges_of(ordered: Floats, bins: int, rare: int) -> Floats:
    """Edges of the bins, ascending.

    Args:
        ordered: finite values, ascending, shape (n,).
        bins: the largest number of bins.
        rare: number of values at either end that do not move the limits.

    Returns:
        `bins + 1` numbers at most; none where there are no values.
    """
    if not len(ordered):
        return np.empty(0)
    low, high = _limits(ordered, rare)
    positions = _cuts(ordered, bins)
    if 0 < len(positions) == np.count_nonzero(ordered[1:] != ordered[:-1]):
        low, high = _limits_of_few(ordered, positions, rare, low, high)
    inner = _round_between(ordered[positions - 1], ordered[positions])
    inner = np.unique(inner[(inner > low) & (inner < high)])
    return np.concatenate(([low], inner, [high]))


def centers_of(ordered: Floats, edges: Floats) -> Floats:
    """Mean value of each bin, to 1/255 of the bin; of an empty one, its middle.

    Args:
        ordered: finite values, ascending.
        edges: as from `edges_of`.
    """
    if len(edges) < 2:
        return np.empty(0)
    at = np.searchsorted(ordered, edges)
    sums = np.concatenate(([0.0], np.cumsum(ordered - edges[0])))
    count = np.diff(at)
    means = edges[0] + np.divide(np.diff(sums[at]), count, out=np.zeros(len(count)), where=count > 0)
    means = np.where(count > 0, means, (edges[:-1] + edges[1:]) / 2)
    return unpacked_centers(packed_centers(means, edges[:-1], edges[1:]), edges[:-1], edges[1:])


def packed_centers(means: Floats, left: Floats, right: Floats) -> Packed:
    """Positions of means inside their bins, in 255 steps."""
    share = (means - left) / (right - left)
    return np.rint(np.clip(share, 0, 1) * _CENTER_STEPS).astype(np.uint8)


def unpacked_centers(packed: Packed, left: Floats, right: Floats) -> Floats:
    """Means from their positions inside the bins."""
    return left + (right - left) * (packed / _CENTER_STEPS)


def spread_of(ordered: Floats, edges: Floats) -> float:
    """Robust scale: the interquartile range over 1.349, else the standard deviation inside the limits, else 1."""
    if len(ordered) < 2:
        return 1.0
    first, third = np.quantile(ordered, (0.25, 0.75))
    spread = float(third - first) / 1.349
    if spread <= 0:
        inside = ordered[(ordered >= edges[0]) & (ordered < edges[-1])]
        spread = float(inside.std()) if len(inside) else 0.0
    return spread if 0 < spread < np.inf else 1.0


def _limits(ordered: Floats, rare: int) -> tuple[float, float]:
    n = len(ordered)
    trimmed = min(max(_TAIL, rare / n), _MOST_TRIMMED)
    skip = int(trimmed * n)
    first, last = float(ordered[skip]), float(ordered[n - 1 - skip])
    width = last - first
    if width <= 0:
        margin = max(abs(first) * _WIDTH_OF_CONSTANT, 1e-12)
        return (
            _float32_where_it_fits(first - margin, -np.inf, first),
            _float32_where_it_fits(first + margin, first, np.inf),
        )
    z = NormalDist().inv_cdf(1 - trimmed)
    margin = width * (_REACH - z) / (2 * z)
    step = 10.0 ** np.floor(np.log10(width)) / 10 if width < np.inf else np.inf
    low, high = np.floor((first - margin) / step) * step, np.ceil((last + margin) / step) * step
    if not (np.isfinite(low) and np.isfinite(high)) or step == 0:
        return float(ordered[0]), float(np.nextafter(ordered[-1], np.inf))
    # Where training has no negative value, the column's meaning forbids them more often than not: -999 means "none".
    if ordered[0] >= 0 > low:
        low = 0.0
    if ordered[-1] <= 0 < high:
        high = float(np.float32(1e-30))
    return _float32_where_it_fits(low, -np.inf, first), _float32_where_it_fits(high, last, np.inf)


def _limits_of_few(ordered: Floats, positions: Positions, rare: int, low: float, high: float) -> tuple[float, float]:
    """Where each value has a bin of its own, the lowest and the highest are the limits, if they are not rare."""
    lasting = np.diff(positions, prepend=0, append=len(ordered))
    first, last = float(ordered[0]), float(ordered[-1])
    close = (last - first) * 1e-3
    if lasting[0] >= rare:
        low = next((near for near in _float32_around(first) if first - close < near <= first), first) + 0.0  # no -0
    if lasting[-1] >= rare:
        # Above the value as a 32-bit float, too: models trained on 64 bits are served 32.
        above = (near for near in _float32_around(last) if max(last, float(np.float32(last))) < near < last + close)
        high = next(above, float(np.nextafter(last, np.inf)))
    return low, high


def _float32_around(value: float) -> tuple[float, ...]:
    with np.errstate(over="ignore"):
        near = np.float32(value)
        return tuple(
            float(each)
            for each in (near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf)))
        )


def _float32_where_it_fits(value: float, after: float, before: float) -> float:
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    return rounded if after < rounded <= before and abs(rounded) < np.inf else float(value)


def _cuts(ordered: Floats, bins: int) -> Positions:
    """Positions in the ordered values before which a bin begins."""
    n = len(ordered)
    starts = np.concatenate(([0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1))
    if len(starts) <= bins:
        return starts[1:]
    lengths = np.diff(starts, append=n)
    atoms = lengths * bins >= n
    forced = np.union1d(starts[atoms], (starts + lengths)[atoms])
    others = np.concatenate(([0], np.cumsum(np.where(atoms, 0, lengths))))
    positions = np.concatenate((starts, [n]))
    for parts in range(bins - int(atoms.sum()), -1, -1):
        wanted = others[-1] * np.arange(1, max(parts, 1)) / max(parts, 1)
        right = np.searchsorted(others, wanted)
        left = np.maximum(right - 1, 0)
        nearest = np.where(wanted - others[left] < others[right] - wanted, left, right)
        cuts = np.union1d(forced, positions[nearest])
        cuts = cuts[(cuts > 0) & (cuts < n)]
        if len(cuts) < bins:
            return cuts
    return cuts[: bins - 1]


def _round_between(left: Floats, right: Floats) -> Floats:
    """The number of fewest digits in each interval `(left, right]`, a 32-bit float where one lies inside."""
    if not len(left):
        return np.empty(0)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        exponent = np.ceil(np.log10(right - left))
        found = right.copy()
        open_ = np.isfinite(exponent) & (np.abs(exponent) < 300)
        for _ in range(3):
            step = 10.0 ** np.abs(exponent)
            candidate = np.where(exponent >= 0, np.floor(right / step) * step, np.floor(right * step) / step)
            hit = open_ & (candidate > left) & (candidate <= right)
            found[hit] = candidate[hit]
            open_ &= ~hit
            exponent = exponent - 1
        narrow = found.astype(np.float32).astype(np.float64)
        middle = ((left + right) / 2).astype(np.float32).astype(np.float64)
    for other in (middle, narrow):  # the last that fits stands
        fits = (other > left) & (other <= right)
        if other is middle:
            fits &= ~((narrow > left) & (narrow <= right))
        found = np.where(fits, other, found)
    return found
