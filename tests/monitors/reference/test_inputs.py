"""The same data give the same reference and counts, whatever library holds them."""

from __future__ import annotations

import datetime
import gc
import weakref
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from otelml.monitors.reference import MISSING, UNLISTED, Reference
from tests.monitors.reference.tables import KINDS, mixed, normal


def frame_of_objects(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Columns of Python objects, as files and databases give them."""
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def nullable(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Pandas' nullable types."""
    frame = frame_of_objects(columns)
    types = {"amount": "Float64", "count": "Int64", "plan": "string", "active": "boolean", "note": "string"}
    return frame.astype(types).assign(since=pd.to_datetime(frame["since"], utc=True))


def plain(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """NumPy's types, a categorical, datetimes in another time zone."""
    frame = frame_of_objects(columns)
    since = pd.to_datetime(frame["since"], utc=True).dt.tz_convert("Europe/Berlin")
    return frame.astype({"amount": float, "count": float, "plan": "category"}).assign(since=since)


def arrow_backed(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Pandas over Arrow."""
    return pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)


def dictionaries(columns: dict[str, list[Any]]) -> pa.Table:
    """Arrow with a dictionary-encoded column."""
    table = pa.table(columns)
    return table.set_column(2, "plan", table["plan"].dictionary_encode())


def polars_categories(columns: dict[str, list[Any]]) -> pl.DataFrame:
    """Polars with a categorical column."""
    return pl.DataFrame(columns).with_columns(pl.col("plan").cast(pl.Categorical))


def records(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """A list of dicts."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


MAKERS: list[Callable[[dict[str, list[Any]]], Any]] = [
    frame_of_objects,
    nullable,
    plain,
    arrow_backed,
    pl.DataFrame,
    polars_categories,
    pa.table,
    dictionaries,
    lambda columns: pa.table(columns).to_batches()[0],
    records,
    lambda columns: {name: np.array(values, dtype=object) for name, values in columns.items()},
]


@pytest.mark.parametrize("make", MAKERS)
def test_mixed_tables(make: Callable[[dict[str, list[Any]]], Any]) -> None:
    """Numbers, categories, booleans, dates and texts are read alike from every library, for training and live."""
    wanted = Reference.build(mixed())
    live = mixed(200, seed=1)
    reference = Reference.build(make(mixed()))
    assert [feature.kind for feature in reference.features] == KINDS
    assert reference.to_json() == wanted.to_json()
    binned = wanted.bin(make(live))
    assert binned.counts.tolist() == wanted.bin(live).counts.tolist()
    assert binned.mismatched.sum() == 0
    assert binned.columns == ((), (), (), False)


class Odd(np.ndarray):
    """An array whose slices have two dimensions, as those of NumPy's `matrix`."""

    def __getitem__(self, key: Any) -> Any:
        return np.atleast_2d(np.asarray(self)[key])


@pytest.mark.parametrize(
    "make",
    [
        lambda X: X.tolist(),
        lambda X: tuple(map(tuple, X.tolist())),
        list,
        lambda X: X.astype(object),
        lambda X: X.astype(np.float32).astype(np.longdouble),
        pd.DataFrame,
        lambda X: pd.DataFrame(X).astype("Float64"),
        np.asfortranarray,
        lambda X: X.view(Odd),
        lambda X: X.astype(object).view(Odd),
        np.ma.masked_invalid,
        lambda X: X[::-1][::-1],
    ],
)
def test_unnamed_numbers(make: Callable[[Any], Any]) -> None:
    """Arrays, lists and unnamed frames of numbers are known by position."""
    X = normal(300, 3).astype(np.float32).astype(float)
    X[3, 1] = np.nan
    wanted = Reference.build(X)
    assert Reference.build(make(X)).to_json() == wanted.to_json()
    assert wanted.bin(make(X)).counts.tolist() == wanted.counts.tolist()


@pytest.mark.parametrize("make", [np.asarray, list, pd.Series, pl.Series, pa.array, lambda y: pa.chunked_array([y])])
def test_one_dimension_is_one_column(make: Callable[[Any], Any]) -> None:
    """A vector or a series of any library is a table with one column."""
    values = normal(200, 1).ravel()
    wanted = Reference.build(values)
    assert wanted.bin(make(values)).counts.tolist() == wanted.counts.tolist()
    assert Reference.build(make(values)).counts.tolist() == wanted.counts.tolist()


def test_structured_arrays_have_names() -> None:
    """The fields of a structured array are its columns."""
    X = np.array([(1.0, "a"), (2.0, "b")] * 20, dtype=[("size", "f8"), ("code", "U3")])
    assert [(f.name, f.kind) for f in Reference.build(X).features] == [("size", "numeric"), ("code", "categorical")]


@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix, sparse.lil_matrix])
def test_sparse_matrices_by_whether_a_value_is_zero(convert: Callable[[Any], Any]) -> None:
    """Of a sparse matrix, the rate of non-zero values is profiled, whatever its format."""
    X = np.where(np.random.default_rng(0).random((1_000, 4)) < [0.1, 0.5, 0.9, 0.0], 3.0, 0.0)
    X[5, 1] = np.nan
    reference = Reference.build(convert(X))
    assert {feature.kind for feature in reference.features} == {"nonzero"}
    assert reference.labels(0)[:2] == ("zero", "non-zero")
    assert reference.counts[:, 1].tolist() == ((X != 0) & ~np.isnan(X)).sum(0).tolist()
    assert reference.counts[:, MISSING].tolist() == [0, 1, 0, 0]
    assert reference.bin(convert(X[:100])).counts.tolist() == reference.bin(X[:100]).counts.tolist()


def test_other_dates() -> None:
    """Dates, periods and datetimes of several units are the same moments."""
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=at % 90) for at in range(300)]
    wanted = Reference.build({"day": days})
    assert wanted.features[0].kind == "datetime"
    for column in (
        np.array(days, dtype="datetime64[D]"),
        pd.Series(pd.PeriodIndex([str(day) for day in days], freq="D")),
        pd.Series(pd.to_datetime(days)).astype("datetime64[s]"),
        pl.Series(days),
        pa.array(days),
    ):
        assert wanted.bin({"day": column}).counts.tolist() == wanted.counts.tolist()


def test_numbers_of_other_kinds() -> None:
    """Decimals, booleans and durations are numbers where numbers are expected."""
    reference = Reference.build({"v": [Decimal(at) for at in range(50)]})
    assert reference.features[0].kind == "numeric"
    assert reference.bin({"v": [True, Decimal(7), 3, 2.5]}).counts[0, UNLISTED] == 0
    spans = Reference.build({"v": pd.Series(pd.to_timedelta(np.arange(100), unit="s"))})
    assert spans.features[0].edges[-1] > 99


def test_a_million_categories_live() -> None:
    """Live categories without number are counted in one cell; nothing of them is kept."""
    train = pd.DataFrame({"city": pd.Series([f"c{at % 10}" for at in range(500)])})
    reference = Reference.build(train)
    many = [f"new{at}" for at in range(100_000)]
    counts = reference.bin({"city": many}).counts
    assert counts[0, UNLISTED] == 100_000
    coded = pd.DataFrame({"city": pd.Categorical(many[:300], categories=[*many, "c3"])})
    coded.iloc[0, 0] = "c3"
    live = reference.bin(coded).counts
    assert (live[0, UNLISTED], live[0, :10].sum()) == (299, 1)
    assert live.shape == reference.counts.shape


def test_frames_are_not_kept() -> None:
    """When a batch has been binned, nothing refers to it."""
    train, live = pd.DataFrame(mixed()), pd.DataFrame(mixed(50))
    reference = Reference.build(train)
    binned = reference.bin(live)
    gone = [weakref.ref(train), weakref.ref(live)]
    del train, live
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
    assert binned.rows == 50


class Surprise:
    """A host's object that can't be compared or hashed."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("must not be called")


def test_objects_of_unknown_classes_are_never_asked() -> None:
    """Values of the host's own classes count as another type; their methods are not called."""
    reference = Reference.build({"plan": ["a", "b"] * 50, "size": [1.0, 2.0] * 50})
    binned = reference.bin({"plan": [Surprise(), "a"], "size": [Surprise(), 1.0]})
    assert binned.counts[:, UNLISTED].tolist() == [1, 1]
    assert binned.mismatched.tolist() == [1, 1]
    assert Reference.build({"odd": [Surprise()] * 20}).counts[0, UNLISTED] == 20
