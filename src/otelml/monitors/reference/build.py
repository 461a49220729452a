"""Builds a reference: bins from a sample of the rows, then exact counts over the rows, a block at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import gcd
from typing import Any

import numpy as np

from otelml.monitors.dependence import Dependence
from otelml.monitors.reference import profiling
from otelml.monitors.reference.binning import MAX_BINS, cells_of
from otelml.monitors.reference.layout import (
    BINNED,
    CATEGORICAL,
    DATETIME,
    KINDS,
    NUMERIC,
    SPECIAL,
    Binned,
    Codes,
    Feature,
    Floats,
)
from otelml.monitors.reference.periods import LENGTHS, periods_of
from otelml.monitors.reference.profiling import Profile
from otelml.monitors.reference.reference import Reference
from otelml.monitors.reference.tables import Table, distinct, open_table

MAX_FEATURES = 1_000
MAX_BYTES = 1_000_000
MIN_CATEGORY_COUNT = 5
BINS = 20

SAMPLE_ROWS = 20_000
"""Rows that the bins are taken from."""
COUNTED_NUMBERS = 100_000_000
"""Values of a table of numbers that are counted; of a larger one, every second row, or third..."""
COUNTED_OBJECTS = 10_000_000
"""The same of tables with texts, categories or dates, which take some ten times as long."""
REPEATS_BLOCK = 256
"""Rows among which equal ones are looked for."""

_SINGLE = np.finfo(np.float32)


def build_reference(
    X: Any,
    *,
    target: Any = None,
    feature_names: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    max_features: int = MAX_FEATURES,
    max_bytes: int = MAX_BYTES,
    min_category_count: int = MIN_CATEGORY_COUNT,
    bins: int = BINS,
    times: Any = None,
    period: str | None = None,
    timeless: bool = False,
) -> Reference:
    """Profile a table.

    Args:
        X: the training table, shape (n, columns), of any supported type.
        target: the target, shape (n,) or (n, outputs), profiled beside the features.
        feature_names: names of the columns; those of the table, else `x0`, `x1`, ...
        kinds: by name of a column, the kind of feature it is to be (`categorical`, `numeric`, ...).
        max_features: number of columns that are profiled, the first ones.
        max_bytes: of the packed profile, without that of the target; further columns are left out. With `period`, fewer
            columns fit, as each has 24 times the counts, or 7 times.
        min_category_count: a category is kept where it was seen at least that often.
        bins: the largest number of bins of a feature, 2 to 200.
        times: for `period`, when each row was taken, or the name of the column that says so; None: the first
            column with timestamps.
        period: `hour` or `weekday`: count the rows by hour of the day or by day of the week (UTC), too.
        timeless: whether a table without times is profiled without periods, rather than refused.

    Raises:
        TypeError: not a table.
        ValueError: no rows or columns, or an option that is out of range.
    """
    if not 2 <= bins <= MAX_BINS:
        raise ValueError(f"bins={bins}: give 2 to {MAX_BINS}.")
    table = open_table(X)
    if not table.rows or not table.width:
        raise ValueError(f"A table of {table.rows} rows and {table.width} columns has nothing to profile.")
    names, named = _names_of(table, feature_names, max_features)
    wanted = dict(kinds or {})
    unknown = {kind for kind in wanted.values() if kind not in KINDS}
    if unknown:
        raise ValueError(f"There is no kind of feature {unknown.pop()!r}. There are: {', '.join(sorted(KINDS))}.")
    sample = table.part(0, table.rows, _step(table.rows, SAMPLE_ROWS))
    profiles = _profiles(sample, names, wanted, bins, min_category_count)
    moments = [at for at, profile in enumerate(profiles) if profile.kind == DATETIME]
    if times is None and moments:
        times = moments[0]
    elif times is None and timeless:
        period = None
    kept = _within(profiles, names, max_bytes, _bytes_of_periods(period, table.rows))
    reference = _empty(profiles[:kept], names[:kept], table.width, named, min_category_count)
    sampled = reference.bin_table(sample, with_codes=True)
    assert sampled.codes is not None
    repeated = _repeated(reference, sampled.hashes)
    reference = _counted(reference, sampled if sampled.rows == table.rows else _binned(reference, table))
    return replace(
        reference,
        repeated=repeated,
        # Features vary together over a day, and apart within an hour of it: a reference by period has no dependence.
        dependence=_dependence(reference, sampled.codes) if period is None else None,
        target=None if target is None else target_reference(target, min_category_count=min_category_count, bins=bins),
        periods=None if period is None else periods_of(reference, table, times, period),
    )


def target_reference(
    y: Any,
    *,
    categorical: bool | None = None,
    name: str = "target",
    min_category_count: int = MIN_CATEGORY_COUNT,
    bins: int = BINS,
) -> Reference:
    """Profile a target, or predictions.

    Args:
        y: shape (n,) or (n, outputs).
        categorical: whether the values are classes; None: where they are texts, booleans, or 50 whole numbers at most.
        name: of the feature; of several outputs `name[0]`, `name[1]`, ...
        min_category_count: a class is kept where it was seen at least that often.
        bins: the largest number of bins.
    """
    table = open_table(y)
    names = [name] if table.width == 1 else [f"{name}[{at}]" for at in range(table.width)]
    sample = table.part(0, table.rows, _step(table.rows, SAMPLE_ROWS))
    classes = categorical if categorical is not None else None
    kinds = {
        text: CATEGORICAL
        for at, text in enumerate(names[:MAX_FEATURES])
        if (profiling.is_discrete(sample.column(at)) if classes is None else classes)
    }
    reference = build_reference(y, feature_names=names, kinds=kinds, min_category_count=min_category_count, bins=bins)
    return replace(reference, named=False)  # predictions come without names, whatever the target was called


def _names_of(table: Table, given: Sequence[str] | None, limit: int) -> tuple[list[str], bool]:
    width = min(table.width, max(limit, 1))
    if given is not None and len(given) != table.width:
        raise ValueError(f"{len(given)} feature names for {table.width} columns.")
    own = distinct([str(name) for name in given]) if given is not None else table.names
    return (list(own[:width]), True) if own is not None else ([f"x{at}" for at in range(width)], False)


def _step(rows: int, wanted: int) -> int:
    """Distance between sampled rows, with no factor of a day's hours, a week's days or a minute's seconds."""
    step = -(-rows // wanted)
    while step > 1 and gcd(step, 210) > 1:
        step += 1
    return step


def _profiles(sample: Table, names: Sequence[str], kinds: Mapping[str, str], bins: int, rare: int) -> list[Profile]:
    if sample.sparse:
        return [profiling.nonzero()] * len(names)
    values = None if kinds else sample.dense(np.arange(len(names)))
    if values is not None:
        columns = np.ascontiguousarray(values.T, dtype=np.float64)
        return profiling.of_numbers(list(columns), NUMERIC, bins, rare)
    return [
        profiling.profile_of(sample.column(at), kind=kinds.get(name), bins=bins, rare=rare)
        for at, name in enumerate(names)
    ]


def _bytes_of_periods(period: str | None, rows: int) -> int:
    """What the counts by period take for one cell, packed."""
    return 0 if period is None else LENGTHS.get(period, 0) * (2 if rows < 1 << 16 else 4)


def _within(profiles: Sequence[Profile], names: Sequence[str], max_bytes: int, by_period: int) -> int:
    """How many of the features fit into a number of bytes, one at least."""
    total = widest = 0
    for at, (profile, name) in enumerate(zip(profiles, names, strict=True)):
        cells = max(len(profile.edges) - 1, len(profile.categories)) + SPECIAL
        texts = sum(len(category) if isinstance(category, str) else 8 for category in profile.categories)
        total += 8 * len(profile.edges) + len(profile.centers) + 4 * cells + texts + len(name) + 24
        widest = max(widest, cells)
        if total + by_period * widest * (at + 1) > max_bytes and at:
            return at
    return len(profiles)


def _in_single(spread: float) -> float:
    return min(max(spread, float(_SINGLE.tiny)), float(_SINGLE.max))


def _empty(profiles: Sequence[Profile], names: Sequence[str], columns: int, named: bool, rare: int) -> Reference:
    features = tuple(
        Feature(name, profile.kind, at, profile.edges, profile.categories)
        for at, (name, profile) in enumerate(zip(names, profiles, strict=True))
    )
    centers = np.full((len(features), cells_of(features)), np.nan)
    for at, profile in enumerate(profiles):
        centers[at, : len(profile.centers)] = profile.centers
    return Reference(
        features=features,
        rows=0,
        counts=np.zeros(centers.shape, dtype=np.int64),
        centers=centers,
        spread=np.array([np.float32(_in_single(profile.spread)) for profile in profiles], dtype=np.float64),
        columns=columns,
        named=named,
        rare=rare,
        nonfinite=np.zeros(len(features), dtype=np.int64),
    )


def _binned(reference: Reference, table: Table) -> Binned:
    numbers = table.sparse or all(feature.kind in BINNED for feature in reference.features)
    limit = COUNTED_NUMBERS if numbers else COUNTED_OBJECTS
    return reference.bin_table(
        table.part(0, table.rows, _step(table.rows, max(limit // len(reference.features), SAMPLE_ROWS)))
    )


def _counted(reference: Reference, binned: Binned) -> Reference:
    return replace(reference, counts=binned.counts, rows=binned.rows, nonfinite=binned.nonfinite)


def _dependence(reference: Reference, codes: Codes) -> Dependence | None:
    # Live timestamps are all later than those of training, so whatever went along with them does not any more.
    lasting = np.array([feature.kind != DATETIME for feature in reference.features], dtype=bool)
    return Dependence.of(codes, reference.counts, reference.valid & lasting[:, None], reference.ordered)


def _repeated(reference: Reference, hashes: Floats) -> float:
    blocks = [hashes[first : first + REPEATS_BLOCK] for first in range(0, len(hashes), REPEATS_BLOCK)]
    return sum(reference.same_rows(block) for block in blocks) / max(len(hashes), 1)
