"""The bins or categories of one column, from a sample of its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from otelml.monitors.reference.cells import as_numbers, key_of
from otelml.monitors.reference.columns import (
    ABSENT,
    BOOLEANS,
    CODED,
    FLAG,
    ITEMS,
    MOMENT,
    MOMENTS,
    NUMBER,
    NUMBERS,
    OTHER,
    STRING,
    Column,
    kinds_among,
    sort_of,
)
from otelml.monitors.reference.layout import (
    BINNED,
    BOOLEAN,
    CATEGORICAL,
    DATETIME,
    NONZERO,
    NUMERIC,
    TEXT,
    Category,
    Floats,
)
from otelml.monitors.reference.quantiles import centers_of, edges_of, spread_of

MAX_CATEGORIES = 50
_LONGEST_CATEGORY = 200
_LEAST_COVERED = 0.25


class Profile(NamedTuple):
    """What a column is binned by.

    Attributes:
        kind: of the feature.
        edges: of its bins, where it has ordered ones.
        categories: where it has categories, by descending count.
        centers: mean value of each bin.
        spread: robust scale.
    """

    kind: str
    edges: Floats
    categories: tuple[Category, ...]
    centers: Floats
    spread: float


def profile_of(column: Column, *, kind: str | None, bins: int, rare: int) -> Profile:
    """Profile a column.

    Args:
        column: a sample of its values.
        kind: the kind of feature it is to be; None: as its values say.
        bins: the largest number of bins.
        rare: a category must have been seen that often to be kept.
    """
    kind = kind or _kind_by_type(column)
    counted: tuple[Category, ...] = ()
    if kind in (CATEGORICAL, TEXT):
        counted, covered = _frequent(column, rare)
        if kind == TEXT and covered >= _LEAST_COVERED:
            kind = CATEGORICAL
    if kind in BINNED:
        return of_numbers([as_numbers(column, kind)[0]], kind, bins, rare)[0]
    if kind != CATEGORICAL:
        counted = (0.0, 1.0)
    return Profile(kind, np.empty(0), counted, np.empty(0), 1.0)


def of_numbers(columns: Sequence[Floats], kind: str, bins: int, rare: int) -> list[Profile]:
    """Profile columns of numbers; NaN and infinite ones are left out."""
    ordered = [np.sort(values[np.isfinite(values)]) for values in columns]
    edges = edges_of(ordered, bins, rare)
    parts = zip(ordered, edges, centers_of(ordered, edges), strict=True)
    return [Profile(kind, own, (), centers, spread_of(values, own)) for values, own, centers in parts]


def nonzero() -> Profile:
    """The profile of a column of a sparse matrix."""
    return Profile(NONZERO, np.empty(0), (0.0, 1.0), np.empty(0), 1.0)


def is_discrete(column: Column) -> bool:
    """Whether the values of a target are classes: texts, booleans, or at most 50 whole numbers."""
    if column.shape == NUMBERS:
        values = column.values[~np.isnan(column.values)]
        return bool((values == np.floor(values)).all()) and len(np.unique(values)) <= MAX_CATEGORIES
    return column.shape != MOMENTS


def _kind_by_type(column: Column) -> str:
    if column.shape != ITEMS:
        if column.shape == CODED and column.categories and set(kinds_among(column.categories)) == {FLAG}:
            return BOOLEAN
        return {NUMBERS: NUMERIC, BOOLEANS: BOOLEAN, MOMENTS: DATETIME, CODED: CATEGORICAL}[column.shape]
    sorts = kinds_among(column.values)
    sorts.pop(ABSENT, None)
    if set(sorts) == {FLAG}:
        return BOOLEAN
    sorts[NUMBER] = sorts.get(NUMBER, 0) + sorts.pop(FLAG, 0)
    most = max(sorts, key=lambda sort: (sorts[sort], sort == NUMBER))
    # Texts are listed where few of them make up much of the column, and measured by their length elsewhere.
    return {NUMBER: NUMERIC, MOMENT: DATETIME, STRING: TEXT, OTHER: CATEGORICAL}[most]


def _frequent(column: Column, rare: int) -> tuple[tuple[Category, ...], float]:
    """The categories to keep, and the share of the values that they cover."""
    counts: Counter[Category] = Counter()
    if column.shape in (NUMBERS, BOOLEANS):
        present = column.values[~np.isnan(column.values)]
        distinct, times = np.unique(present, return_counts=True)
        counts.update(dict(zip(distinct.tolist(), times.tolist(), strict=True)))
    elif column.shape == CODED:
        times = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
        for item, count in zip(column.categories, times.tolist(), strict=True):
            sort = sort_of(type(item))
            if sort not in (ABSENT, OTHER):
                counts[key_of(item, sort)] += count
    elif column.shape == ITEMS:
        for item in column.values:
            sort = sort_of(type(item))
            if sort not in (ABSENT, OTHER) and item == item:
                counts[key_of(item, sort)] += 1
    kept = [
        (category, count)
        for category, count in counts.items()
        if count >= rare and (isinstance(category, float) or len(category) <= _LONGEST_CATEGORY)
    ]
    kept.sort(key=lambda pair: (-pair[1], isinstance(pair[0], str), pair[0]))
    kept = kept[:MAX_CATEGORIES]
    total = sum(counts.values())
    return tuple(category for category, _ in kept), sum(count for _, count in kept) / total if total else 0.0
