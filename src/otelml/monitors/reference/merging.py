"""References of parts of the data as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.layout import ABOVE, BELOW, BINNED, MISSING, UNLISTED, Counts, Feature, Floats
from otelml.monitors.reference.reference import Reference


def merge(first: Reference, second: Reference) -> Reference:
    """A reference of the rows of both, with the bins of the first.

    Where the bins are the same, counts are added and exact. Elsewhere the second's rows are spread over the first's
    bins in proportion to the overlap, categories that the first has not kept are unlisted, and periods of the second
    are left out. How features depend on each other is taken from the one with more rows.

    Raises:
        ValueError: the features are not the same.
    """
    if [(f.name, f.kind) for f in first.features] != [(f.name, f.kind) for f in second.features]:
        raise ValueError("The two references have different features; only those of the same columns can be merged.")
    same = [_same_cells(a, b) for a, b in zip(first.features, second.features, strict=True)]
    alike = all(same) and first.counts.shape == second.counts.shape
    added = second.counts if alike else _rebinned(first, second, same)
    rows = first.rows + second.rows
    periods = first.periods
    if periods is not None and alike and second.periods is not None and second.periods.kind == periods.kind:
        periods = replace(
            periods,
            counts=periods.counts.astype(np.int64) + second.periods.counts,
            rows=periods.rows + second.periods.rows,
        )
    target = first.target
    if target is not None and second.target is not None:
        target = merge(target, second.target)
    return replace(
        first,
        rows=rows,
        counts=first.counts.astype(np.int64) + added,
        centers=_centers(first, second, added, same),
        nonfinite=first.nonfinite + second.nonfinite,
        repeated=(first.repeated * first.rows + second.repeated * second.rows) / rows,
        dependence=first.dependence if first.rows >= second.rows or not alike else second.dependence,
        periods=periods,
        target=target,
    )


def _same_cells(first: Feature, second: Feature) -> bool:
    return first.categories == second.categories and np.array_equal(first.edges, second.edges)


def _centers(first: Reference, second: Reference, added: Counts, same: list[bool]) -> Floats:
    centers = first.centers.copy()
    for at in np.flatnonzero(same):
        cells = slice(0, first.features[at].cells)
        both = first.counts[at, cells] + added[at, cells]
        old, new = first.centers[at, cells], second.centers[at, cells]
        share = np.divide(added[at, cells], both, out=np.zeros(both.shape), where=both > 0)
        centers[at, cells] = old + (new - old) * share
    return centers


def _rebinned(first: Reference, second: Reference, same: list[bool]) -> Counts:
    features, width = first.counts.shape
    counts = np.zeros((features, width), dtype=np.int64)
    specials = [MISSING, UNLISTED, BELOW, ABOVE]
    for at, (old, new) in enumerate(zip(first.features, second.features, strict=True)):
        counts[at, specials] = second.counts[at, specials]
        own = second.counts[at, : new.cells]
        if same[at]:
            counts[at, : old.cells] = own
        elif old.kind in BINNED:
            counts[at] += _spread(own, new.edges, old.edges, width)
        else:
            places = {category: cell for cell, category in enumerate(old.categories)}
            for category, count in zip(new.categories, own.tolist(), strict=True):
                counts[at, places.get(category, UNLISTED)] += count
    return counts


def _spread(own: Counts, edges: Floats, wanted: Floats, width: int) -> Counts:
    counts = np.zeros(width, dtype=np.int64)
    if not len(own):
        return counts
    if not len(wanted):
        counts[UNLISTED] = own.sum()
        return counts
    total = np.concatenate(([0], np.cumsum(own)))
    below: npt.NDArray[np.int64] = np.rint(np.interp(wanted, edges, total)).astype(np.int64)
    counts[: len(wanted) - 1] = np.diff(below)
    counts[BELOW] = below[0]
    counts[ABOVE] = total[-1] - below[-1]
    return counts
