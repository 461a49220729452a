"""Columns that vanish, appear, change their order, name or type between training and live."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from otelml.monitors.reference import MISSING, UNLISTED, Reference
from tests.monitors.reference.tables import mixed, normal

TRAIN = pd.DataFrame(normal(500, 3) + np.array([0, 10, 20]), columns=["a", "b", "c"])


@pytest.fixture(scope="module")
def reference() -> Reference:
    """A reference with three named columns."""
    return Reference.build(TRAIN)


def test_another_order_is_put_right(reference: Reference) -> None:
    """Known columns in another order are matched by name, and the order is told."""
    binned = reference.bin(TRAIN[["c", "a", "b"]])
    assert binned.counts.tolist() == reference.counts.tolist()
    assert binned.columns == ((), (), (), True)


def test_a_vanished_column_is_counted_nowhere(reference: Reference) -> None:
    """A column that is not there has no counts, not even missing ones, and is named."""
    binned = reference.bin(TRAIN[["a", "c"]])
    assert binned.columns.vanished == ("b",)
    assert binned.counts.sum(1).tolist() == [500, 0, 500]


def test_a_new_column_is_named(reference: Reference) -> None:
    """A column that training did not have is named, and the rest is counted."""
    binned = reference.bin(TRAIN.assign(d=1.0))
    assert binned.columns == ((), ("d",), (), False)
    assert binned.counts.tolist() == reference.counts.tolist()


def test_a_renamed_column_is_told(reference: Reference) -> None:
    """An unknown column in the place of a vanished one is told as a renaming."""
    columns = reference.bin(TRAIN.rename(columns={"b": "B"})).columns
    assert columns.renamed == (("b", "B"),)


def test_other_names_for_all_columns(reference: Reference) -> None:
    """If no name is known, the columns are taken by their order, and the new names are told."""
    binned = reference.bin(TRAIN.set_axis(["u", "v", "w"], axis=1))
    assert binned.counts.tolist() == reference.counts.tolist()
    assert binned.columns.renamed == (("a", "u"), ("b", "v"), ("c", "w"))


def test_an_array_is_taken_by_position(reference: Reference) -> None:
    """Live rows without names are matched by position, and one that is too narrow or wide is told."""
    assert reference.bin(TRAIN.to_numpy()).counts.tolist() == reference.counts.tolist()
    assert reference.bin(TRAIN.to_numpy()[:, :2]).columns.vanished == ("c",)
    assert reference.bin(np.zeros((2, 5))).columns.appeared == ("x3", "x4")


def test_a_reference_without_names_takes_frames_by_position() -> None:
    """A reference of an array does not ask for the names of live frames."""
    reference = Reference.build(TRAIN.to_numpy())
    binned = reference.bin(TRAIN)
    assert binned.counts.tolist() == reference.counts.tolist()
    assert binned.columns == ((), (), (), False)


def test_columns_of_the_same_name_are_numbered() -> None:
    """Two columns of one name are two features."""
    frame = pd.DataFrame(normal(100, 2), columns=["a", "a"])
    reference = Reference.build(frame)
    assert [feature.name for feature in reference.features] == ["a", "a#2"]
    assert reference.bin(frame).counts.tolist() == reference.counts.tolist()


def test_values_of_another_type_are_unlisted() -> None:
    """Texts among numbers, numbers among texts, and dates as texts are counted as another type."""
    reference = Reference.build(mixed())
    live = mixed(50, seed=1)
    rows = len(live["amount"])
    live["amount"] = [str(value) for value in live["amount"]]
    live["plan"] = [17.0] * rows
    live["since"] = ["2026-01-01 10:00"] * rows
    live["note"] = [5] * rows
    binned = reference.bin(live)
    assert binned.mismatched.tolist() == [rows, 0, rows, 0, rows, rows]
    assert binned.counts[[0, 2, 4, 5], UNLISTED].tolist() == [rows] * 4


def test_numbers_and_booleans_are_exchangeable() -> None:
    """A boolean column that comes as 0.0 and 1.0, and a number that comes as a boolean, are no change of type."""
    reference = Reference.build({"flag": [True, False] * 50, "count": [0.0, 1.0] * 50})
    binned = reference.bin({"flag": [0.0, 1.0], "count": [True, False]})
    assert binned.counts[:, UNLISTED].sum() == 0
    assert binned.mismatched.tolist() == [0, 0]


def test_dates_as_texts_in_training_are_texts() -> None:
    """Dates that training had as texts are not parsed: their length is profiled, or frequent ones are listed."""
    many = [f"2026-01-01T00:{at // 60:02d}:{at % 60:02d}" for at in range(600)]
    assert Reference.build({"at": many}).features[0].kind == "text"
    assert Reference.build({"at": many[:3] * 100}).features[0].kind == "categorical"


def test_an_empty_column() -> None:
    """A column without a value has no bins; later numbers in it are unlisted."""
    reference = Reference.build({"a": [None] * 20, "b": [np.nan] * 20})
    assert [(feature.kind, feature.cells) for feature in reference.features] == [("numeric", 0)] * 2
    assert reference.counts[:, MISSING].tolist() == [20, 20]
    assert reference.bin({"a": [1.0, None], "b": [2.0, 3.0]}).counts[:, UNLISTED].tolist() == [1, 2]
    assert reference.bin(np.array([[1.0, np.nan]])).counts[:, UNLISTED].tolist() == [1, 0]


def test_a_constant_column() -> None:
    """A constant column has one bin with tight limits, called by its value."""
    reference = Reference.build(np.full((50, 1), 3.14))
    assert reference.labels(0)[0] == "3.14"
    counts = reference.bin(np.array([3.14, np.float32(3.14), 3.15, 3.13])).counts[0]
    assert counts.tolist() == [2, 0, 0, 1, 1]


def test_one_row() -> None:
    """A table of one row gives a reference, with a category too rare to keep."""
    reference = Reference.build({"a": [1.5], "b": ["secret"]})
    assert reference.counts.sum(1).tolist() == [1, 1]
    assert reference.features[1].categories == ()
    assert "secret" not in reference.to_json()
