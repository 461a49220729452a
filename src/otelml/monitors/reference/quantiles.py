"""Bins of a numeric column: quantiles of the training values, robust limits, nothing that is a training value by need.

An edge is the roundest number between two neighbouring values, so it says little about either, reads well, and fits a
32-bit float where the data allow. A value that makes up a bin's worth of rows by itself (the zeros of a zero-inflated
column) has a bin of its own. The limits stand where a normal column has about one value in 500,000 outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.layout import Floats

Positions: TypeAlias = npt.NDArray[np.intp]
Packed: TypeAlias = npt.NDArray[np.uint8]
Number = TypeVar("Number", bound=np.generic)

_TAIL = 0.001
_MOST_TRIMMED = 0.25
_REACH = 4.64  # of the limits, in standard deviations of a normal column
_WIDTH_OF_CONSTANT = 1e-6
_CENTER_STEPS = 255


def edges_of(columns: Sequence[Floats], bins: int, rare: int) -> list[Floats]:
    """Edges of the bins of each column, ascending.

    Args:
        columns: finite values, ascending, shape (n,) each. Many columns together take a third of the time.
        bins: the largest number of bins.
        rare: number of values at either end that do not move the limits.

    Returns:
        `bins + 1` numbers at most; none where there are no values.
    """
    cuts = [_cuts(ordered, bins) for ordered in columns]
    limits = [_limits_of(ordered, positions, rare) for ordered, positions in zip(columns, cuts, strict=True)]
    left = [ordered[positions - 1] for ordered, positions in zip(columns, cuts, strict=True)]
    right = [ordered[positions] for ordered, positions in zip(columns, cuts, strict=True)]
    between = _round_between(_joined(left), _joined(right))
    edges, first = [], 0
    for positions, ends in zip(cuts, limits, strict=True):
        inner = between[first : first + len(positions)]
        first += len(positions)
        if ends is None:
            edges.append(np.empty(0))
            continue
        low, high = ends
        edges.append(np.concatenate(([low], _distinct(inner[(inner > low) & (inner < high)]), [high])))
    return edges


def centers_of(columns: Sequence[Floats], edges: Sequence[Floats]) -> list[Floats]:
    """Mean value of each bin of each column, to 1/255 of the bin; of an empty one, its middle.

    Args:
        columns: finite values, ascending.
        edges: as from `edges_of`.
    """
    binned = [(ordered, own) for ordered, own in zip(columns, edges, strict=True) if len(own)]
    tallied = [_tallied(ordered, own) for ordered, own in binned]
    count, sums = (_joined([it[part] for it in tallied]) for part in (0, 1))
    left, right = _joined([own[:-1] for _, own in binned]), _joined([own[1:] for _, own in binned])
    start = _joined([np.full(len(own) - 1, own[0]) for _, own in binned])
    means = start + np.divide(sums, count, out=np.zeros(len(count)), where=count > 0)
    means = np.where(count > 0, means, (left + right) / 2)
    centers = unpacked_centers(packed_centers(means, left, right), left, right)
    ends = np.cumsum([max(len(own) - 1, 0) for own in edges])
    return np.split(centers, ends[:-1])


def _tallied(ordered: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """How many values are in each bin, and the sum of what they are more than the lowest edge."""
    at = np.searchsorted(ordered, edges)
    sums = np.zeros(len(ordered) + 1)
    np.cumsum(ordered - edges[0], out=sums[1:])
    sums = sums[at]
    return (at[1:] - at[:-1]).astype(np.float64), sums[1:] - sums[:-1]


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
    spread = (_quantile(ordered, 0.75) - _quantile(ordered, 0.25)) / 1.349
    if spread <= 0:
        inside = ordered[(ordered >= edges[0]) & (ordered < edges[-1])]
        spread = float(inside.std()) if len(inside) else 0.0
    return spread if 0 < spread < np.inf else 1.0


def _quantile(ordered: Floats, share: float) -> float:
    """What `np.quantile` returns, which takes 20 us to find out that there is nothing to sort."""
    place = share * (len(ordered) - 1)
    below = int(place)
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    part = place - below
    return high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part


def _limits_of(ordered: Floats, positions: Positions, rare: int) -> tuple[float, float] | None:
    if not len(ordered):
        return None
    low, high = _limits(ordered, rare)
    if 0 < len(positions) == np.count_nonzero(ordered[1:] != ordered[:-1]):
        return _limits_of_few(ordered, positions, rare, low, high)
    return low, high


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
    most = -(-n // bins)  # rows of a value that makes up a bin by itself
    if n > bins and not (ordered[most - 1 :] == ordered[: n - most + 1]).any():
        return _even_cuts(ordered, bins)
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


def _even_cuts(ordered: Floats, bins: int) -> Positions:
    """The same where no value makes up a bin by itself: beside the run of equal values at each quantile."""
    wanted = len(ordered) * np.arange(1, bins) / bins
    values = ordered[np.ceil(wanted).astype(np.intp) - 1]
    left, right = np.searchsorted(ordered, values), np.searchsorted(ordered, values, "right")
    cuts = _distinct(np.where(wanted - left < right - wanted, left, right))
    return cuts[(cuts > 0) & (cuts < len(ordered))]


def _distinct(ordered: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """What `np.unique` returns of ascending numbers."""
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(ordered) else ordered


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.empty(0)


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
