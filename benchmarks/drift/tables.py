"""The table that every contender watches: 20 mixed columns, and one change at a time. Needs numpy and pandas only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Values = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Values]

MISSING = {"normal_missing": 0.01, "exponential_missing": 0.05, "levels_5": 0.02}
"""Share of values that are missing."""

LEVELS = (3, 4, 5, 10, 20, 50)
NEW = "never seen"


def _mixture(first: float, second: float, deviation: float) -> Draw:
    return lambda rng, n: np.where(rng.random(n) < 0.5, first, second) + rng.normal(0, deviation, n)


NUMERIC: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(50, 10, n),
    "normal_missing": lambda rng, n: rng.normal(10, 3, n),
    "correlated_80": lambda rng, n: rng.normal(0, 1, n),  # with `normal`, see `table`
    "correlated_50": lambda rng, n: rng.normal(0, 1, n),
    "log_normal": lambda rng, n: rng.lognormal(0, 1, n),
    "log_normal_075": lambda rng, n: rng.lognormal(3, 0.75, n),
    "exponential": lambda rng, n: rng.exponential(2, n),
    "exponential_missing": lambda rng, n: rng.exponential(1, n),
    "uniform": lambda rng, n: rng.uniform(0, 1, n),
    "uniform_symmetric": lambda rng, n: rng.uniform(-180, 180, n),
    "heavy_t3": lambda rng, n: rng.standard_t(3, n),
    "heavy_laplace": lambda rng, n: rng.laplace(0, 1, n),
    "bimodal": _mixture(-2, 2, 0.7),
    "zero_inflated": lambda rng, n: np.where(rng.random(n) < 0.6, 0.0, rng.exponential(10, n)),
}
CATEGORICAL = {f"levels_{levels}": levels for levels in LEVELS}
COLUMNS = (*NUMERIC, *CATEGORICAL)

_DEVIATIONS = {name: float(draw(np.random.default_rng(0), 200_000).std()) for name, draw in NUMERIC.items()}
_MEANS = {name: float(draw(np.random.default_rng(0), 200_000).mean()) for name, draw in NUMERIC.items()}


def shares(levels: int) -> Values:
    """How often each level of a categorical column comes: as the words of a language do."""
    weights = 1.0 / np.arange(1, levels + 1)
    return np.asarray(weights / weights.sum())


def table(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Rows without any drift."""
    columns: dict[str, Values] = {name: draw(rng, rows) for name, draw in NUMERIC.items()}
    standard = (columns["normal"] - 50) / 10
    columns["correlated_80"] = 0.8 * standard + 0.6 * columns["correlated_80"]
    columns["correlated_50"] = 0.5 * standard + np.sqrt(0.75) * columns["correlated_50"]
    frame: dict[str, object] = {}
    for name, values in columns.items():
        if name in MISSING:
            values[rng.random(rows) < MISSING[name]] = np.nan
        frame[name] = values
    for name, levels in CATEGORICAL.items():
        codes = np.searchsorted(np.cumsum(shares(levels))[:-1], rng.random(rows))
        if name in MISSING:
            codes[rng.random(rows) < MISSING[name]] = -1
        frame[name] = pd.Categorical.from_codes(codes, [f"{name}_{level}" for level in range(levels)])
    return pd.DataFrame(frame)


class Change(NamedTuple):
    """What may happen to a column.

    Attributes:
        columns: those it may happen to.
        apply: changes one of them in place.
        windows: the sizes of windows that are judged.
        least: by size, the least share of changed columns that otelml is to find.
    """

    columns: tuple[str, ...]
    apply: Callable[[np.random.Generator, pd.DataFrame, str], None]
    least: dict[int, float]


def _shift(sigmas: float) -> Callable[[np.random.Generator, pd.DataFrame, str], None]:
    def apply(rng: np.random.Generator, frame: pd.DataFrame, column: str) -> None:
        frame[column] += sigmas * _DEVIATIONS[column]

    return apply


def _scale(factor: float) -> Callable[[np.random.Generator, pd.DataFrame, str], None]:
    def apply(rng: np.random.Generator, frame: pd.DataFrame, column: str) -> None:
        frame[column] = _MEANS[column] + factor * (frame[column] - _MEANS[column])

    return apply


def _missing(points: float) -> Callable[[np.random.Generator, pd.DataFrame, str], None]:
    def apply(rng: np.random.Generator, frame: pd.DataFrame, column: str) -> None:
        present = 1 - MISSING.get(column, 0.0)
        frame.loc[rng.random(len(frame)) < points / present, column] = np.nan

    return apply


def _new_category(share: float) -> Callable[[np.random.Generator, pd.DataFrame, str], None]:
    def apply(rng: np.random.Generator, frame: pd.DataFrame, column: str) -> None:
        frame[column] = frame[column].cat.add_categories(NEW)
        frame.loc[rng.random(len(frame)) < share, column] = NEW

    return apply


def _unit(share: float) -> Callable[[np.random.Generator, pd.DataFrame, str], None]:
    def apply(rng: np.random.Generator, frame: pd.DataFrame, column: str) -> None:
        seen = (frame[column] != 0) & frame[column].notna()  # 0 is 0 in every unit
        frame.loc[seen & (rng.random(len(frame)) < share / seen.mean()), column] *= 1000

    return apply


def _share(points: float) -> Callable[[np.random.Generator, pd.DataFrame, str], None]:
    def apply(rng: np.random.Generator, frame: pd.DataFrame, column: str) -> None:
        levels = CATEGORICAL[column]
        level = levels // 2  # neither the most common one nor the rarest
        taken = rng.random(len(frame)) < points / (1 - shares(levels)[level])
        frame.loc[taken & frame[column].notna(), column] = f"{column}_{level}"

    return apply


def _uncorrelate(rng: np.random.Generator, frame: pd.DataFrame, column: str) -> None:
    frame[column] = rng.permutation(frame[column].to_numpy())


_NUMBERS, _ALL, _LISTED = tuple(NUMERIC), COLUMNS, tuple(CATEGORICAL)

CHANGES: dict[str, Change] = {
    "mean +0.10 sigma": Change(_NUMBERS, _shift(0.10), {1_000: 0.60, 10_000: 0.99}),
    "mean +0.25 sigma": Change(_NUMBERS, _shift(0.25), {1_000: 0.99}),
    "mean +0.50 sigma": Change(_NUMBERS, _shift(0.50), {200: 0.99}),
    "scale x1.25": Change(_NUMBERS, _scale(1.25), {1_000: 0.99}),
    "missing +3 points": Change(_ALL, _missing(0.03), {1_000: 0.95}),
    "new category, 1%": Change(_LISTED, _new_category(0.01), {1_000: 0.99}),
    "unit x1000, 1%": Change(_NUMBERS, _unit(0.01), {1_000: 0.95}),
    "share +10 points": Change(_LISTED, _share(0.10), {1_000: 0.99}),
    "share +20 points": Change(_LISTED, _share(0.20), {200: 0.99}),
    "correlation lost": Change(("correlated_80", "correlated_50"), _uncorrelate, {1_000: 0.90}),
}


def changed(rng: np.random.Generator, change: Change, rows: int, windows: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Windows with one column changed; the columns take turns."""
    for number in range(windows):
        column = change.columns[number % len(change.columns)]
        frame = table(rng, rows)
        change.apply(rng, frame, column)
        yield column, frame
