"""Batches are counted in the right cells."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from otelml.monitors.reference import ABOVE, BELOW, MISSING, UNLISTED, Reference
from otelml.monitors.reference.tables import open_table
from tests.monitors.reference.tables import mixed, normal


def slowly(reference: Reference, at: int, value: float) -> int:
    """The cell of a number, found in the plainest way."""
    edges, width = reference.features[at].edges, reference.counts.shape[1]
    if np.isnan(value):
        return width + MISSING
    if value < edges[0]:
        return width + BELOW
    if value >= edges[-1]:
        return width + ABOVE
    return int(np.searchsorted(edges, value, side="right")) - 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8])
def test_every_value_falls_into_its_cell(dtype: type) -> None:
    """Codes and counts of a block are those of a search value by value, whatever the type and order of the array."""
    X = normal(3_000, 5) * 30 + 100
    X[:, 1] = np.round(X[:, 1] / 20)
    X[:, 2] = 3.0
    reference = Reference.build(X)
    live: npt.NDArray[Any] = (normal(500, 5, seed=1) * 40 + 100).astype(dtype)
    if live.dtype.kind == "f":
        live[:5] = [np.nan, np.inf, -np.inf, 0.0, 3.0]
    wanted = [[slowly(reference, at, float(value)) for at, value in enumerate(row)] for row in live]
    for array in (live, np.asfortranarray(live), live[::-1][::-1]):
        binned = reference.bin(array, with_codes=True)
        assert binned.codes is not None
        assert binned.codes.tolist() == wanted
        assert reference.bin(array).counts.tolist() == binned.counts.tolist()


def test_codes_and_counts_agree_for_all_kinds() -> None:
    """The counts of a mixed batch are those of its codes."""
    reference = Reference.build(mixed())
    live = mixed(300, seed=1)
    counts = reference.bin(live).counts
    codes = reference.codes(live)
    width = counts.shape[1]
    assert (codes >= 0).all()
    assert (codes < width).all()
    assert counts.tolist() == [np.bincount(column, minlength=width).tolist() for column in codes.T]


def test_only_cells_that_a_feature_has_are_counted() -> None:
    """Nothing is ever counted in a cell that is not valid."""
    reference = Reference.build(mixed())
    live = mixed(300, seed=1)
    live["plan"][5] = "gold"
    live["amount"][6], live["amount"][7] = 1e9, -1e9
    counts = reference.bin(live).counts
    assert counts[~reference.valid].sum() == 0
    assert counts[2, UNLISTED] == 1
    assert counts[0, [BELOW, ABOVE]].tolist() == [1, 1]


def test_a_large_batch_is_counted_in_blocks() -> None:
    """A batch of more values than a block is counted as its parts are."""
    reference = Reference.build(normal(1_000, 3))
    live = normal(9_000, 3, seed=1)
    live[17, 1] = np.nan
    parts = [reference.bin(live[first : first + 1_000]) for first in range(0, 9_000, 1_000)]
    whole = reference.bin_table(open_table(live))
    assert whole.counts.tolist() == np.sum([part.counts for part in parts], axis=0).tolist()
    assert whole.rows == 9_000
    assert whole.hashes.tolist() == np.concatenate([part.hashes for part in parts]).tolist()


def test_one_row_and_no_row() -> None:
    """A batch of one row counts one, one of none counts nothing."""
    reference = Reference.build(normal(100))
    one = reference.bin(np.zeros((1, 3)))
    assert one.counts.sum(1).tolist() == [1, 1, 1]
    none = reference.bin(np.zeros((0, 3)))
    assert (none.rows, none.counts.sum()) == (0, 0)


def test_infinite_values_are_counted_apart() -> None:
    """Infinite values are out of range, and counted as infinite."""
    reference = Reference.build(normal(100, 2))
    binned = reference.bin(np.array([[np.inf, 0.0], [-np.inf, np.nan]]))
    assert binned.nonfinite.tolist() == [2, 0]
    assert binned.counts[0, [BELOW, ABOVE]].tolist() == [1, 1]
    assert binned.counts[1, MISSING] == 1


def test_equal_rows_are_found_and_others_are_not() -> None:
    """Rows count as equal if they are so in every profiled feature, missing values included."""
    X = normal(2_000, 4)
    X[:, 3] *= 1e9
    reference = Reference.build(X)
    live = normal(256, 4, seed=1)
    live[:, 3] *= 1e9
    live[10, 2] = np.nan
    assert reference.same_rows(reference.bin(live).hashes) == 0
    live[200:250] = live[0]
    live[255] = live[10]
    assert reference.same_rows(reference.bin(live).hashes) == 51


def test_whole_numbers_are_not_taken_for_equal_rows() -> None:
    """Rows of small whole numbers, which differ in few bits, are told apart."""
    grid = np.array(np.meshgrid(*[np.arange(4.0)] * 4)).reshape(4, -1).T
    reference = Reference.build(grid)
    assert reference.same_rows(reference.bin(grid).hashes) == 0


def test_constant_columns_say_their_value() -> None:
    """Of a feature whose values fall into one cell, the extremes are told."""
    reference = Reference.build(normal(1_000, 2))
    live = normal(50, 2, seed=1)
    live[:, 1] = 0.25
    binned = reference.bin(live)
    assert np.isnan(binned.low[0])
    assert (binned.low[1], binned.high[1]) == (0.25, 0.25)


def test_newest_timestamps_are_told() -> None:
    """Of each datetime column, the newest value and the median are told in seconds."""
    times = np.datetime64("2026-01-01") + np.arange(100) * np.timedelta64(1, "h")
    reference = Reference.build({"at": times})
    live = np.array(["2026-03-01T00:00", "2026-03-01T02:00", "2026-03-01T09:00", "NaT"], dtype="datetime64[m]")
    newest, middle = reference.bin({"at": live}).newest["at"]
    start = np.datetime64("2026-03-01").astype("datetime64[s]").astype(int)
    assert (newest, middle) == (start + 9 * 3600, start + 2 * 3600)


def test_memory_is_bounded() -> None:
    """A reference that has binned holds at most 50 bytes for each cell, and 400 for each feature's name and objects."""
    X = normal(2_000, 200)
    live = X[:256]
    Reference.build(X[:, :2]).bin(live[:, :2])
    gc.collect()
    tracemalloc.start()
    reference = Reference.build(X)
    reference.bin(live)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held <= 50 * reference.counts.size + 400 * len(reference.features)
