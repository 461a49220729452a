"""Columns of any shape as numbers to be binned, or as cells of listed categories."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

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
    seconds_of,
    sort_of,
)
from otelml.monitors.reference.layout import (
    DATETIME,
    MISSING,
    NONZERO,
    NUMERIC,
    TEXT,
    UNLISTED,
    Category,
    Codes,
    Flags,
    Floats,
)

_SHAPE_SORTS = {NUMBERS: NUMBER, BOOLEANS: FLAG, MOMENTS: MOMENT}

_WANTED: Mapping[str, tuple[tuple[str, ...], Callable[[Any], float]]] = {
    NUMERIC: ((NUMBER, FLAG), float),
    DATETIME: ((MOMENT,), seconds_of),
    TEXT: ((STRING,), len),
}


def key_of(item: Any, sort: str) -> Category:
    """How a category is known: texts as they are, numbers and booleans as floats, moments as texts."""
    if sort == STRING:
        return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
    if sort == MOMENT:
        return str(item)
    return float(item)


def as_numbers(column: Column, kind: str) -> tuple[Floats, Flags | None]:
    """The values of a column for a feature of a binned kind.

    Returns:
        Values, float64 (n,), NaN where missing, and which of them are of another type (NaN, too); None where none is.
    """
    if column.shape == CODED:
        values, wrong = _numbers_of_items(column.categories, kind)
        codes = column.values
        taken = np.append(values, np.nan)[codes]
        return taken, None if wrong is None else np.append(wrong, False)[codes]
    if column.shape == ITEMS:
        return _numbers_of_items(column.values, kind)
    values = column.values
    if _SHAPE_SORTS[column.shape] in _WANTED[kind][0]:
        return values, None
    return np.full(len(values), np.nan), ~np.isnan(values)


def _numbers_of_items(items: Sequence[Any], kind: str) -> tuple[Floats, Flags | None]:
    wanted, convert = _WANTED[kind]
    sorts: dict[type, str] = {}
    values = np.full(len(items), np.nan)
    wrong = np.zeros(len(items), dtype=bool)
    for at, item in enumerate(items):
        kind_ = type(item)
        sort = sorts.get(kind_)
        if sort is None:
            sort = sorts[kind_] = sort_of(kind_)
        if sort in wanted:
            values[at] = convert(item)
        elif sort != ABSENT and not (sort == NUMBER and item != item):
            wrong[at] = True
    return values, wrong if wrong.any() else None


class Listed:
    """The kept categories of one feature, laid out for look-up."""

    def __init__(self, categories: Sequence[Category], kind: str, width: int) -> None:
        """Lay out `categories`, whose cells are their positions, for codes of `width` cells."""
        self._kind = kind
        self._missing, self._unlisted = width + MISSING, width + UNLISTED
        self._cells = {category: cell for cell, category in enumerate(categories)}
        known = sorted((category, cell) for category, cell in self._cells.items() if isinstance(category, float))
        self._numbers = np.array([category for category, _ in known])
        self._number_cells = np.array([cell for _, cell in known], dtype=np.intp)
        self._sorts = {NUMBER, FLAG} if len(known) else set()
        if len(known) < len(categories):
            self._sorts |= {STRING, MOMENT}

    def cells(self, column: Column) -> tuple[Codes, int]:
        """The cell of each value, intp (n,), and how many values are of a type that no category has."""
        if column.shape in (NUMBERS, BOOLEANS, MOMENTS):
            return self._of_numbers(column)
        items = column.values if column.shape == ITEMS else column.categories
        cells, wrong = self._of_items(items)
        if column.shape == CODED:
            cells = np.append(cells, self._missing).take(column.values, mode="wrap")  # -1 is the last one
            wrong = np.append(wrong, False)[column.values] if wrong.any() else wrong
        return cells, int(wrong.sum())

    def _of_numbers(self, column: Column) -> tuple[Codes, int]:
        values = column.values
        absent = np.isnan(values)
        if self._kind == NONZERO:
            values = (values != 0).astype(np.float64)
        cells = np.full(len(values), self._unlisted, dtype=np.intp)
        if column.shape != MOMENTS and len(self._numbers):
            at = np.minimum(np.searchsorted(self._numbers, values), len(self._numbers) - 1)
            known = self._numbers[at] == values
            cells[known] = self._number_cells[at[known]]
        cells[absent] = self._missing
        sorts = self._sorts
        right = _SHAPE_SORTS[column.shape] in sorts or not sorts
        return cells, 0 if right else int(len(values) - absent.sum())

    def _of_items(self, items: Sequence[Any]) -> tuple[Codes, Flags]:
        sorts: dict[type, str] = {}
        known = self._cells
        cells = np.full(len(items), self._unlisted, dtype=np.intp)
        wrong = np.zeros(len(items), dtype=bool)
        for at, item in enumerate(items):
            kind = type(item)
            sort = sorts.get(kind)
            if sort is None:
                sort = sorts[kind] = sort_of(kind)
            if sort == ABSENT or (sort in (NUMBER, MOMENT) and item != item):
                cells[at] = self._missing
                continue
            if sort != OTHER:  # of an unknown class, whose hash and equality may do anything
                key = item if kind is str else key_of(item, sort)
                cells[at] = known.get(key, self._unlisted)
            wrong[at] = sort not in self._sorts and bool(self._sorts)
        return cells, wrong
