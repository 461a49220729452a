"""A column of whatever library, read into one of a few shapes; the library that made it does the conversion.

No library is imported: a column of pandas, polars or PyArrow brings its own methods. Everything returned is a copy, or
a view that lives no longer than the call that reads it.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.layout import Floats

NUMBERS = "numbers"
BOOLEANS = "booleans"
MOMENTS = "moments"
ITEMS = "items"
CODED = "coded"

ABSENT = "absent"
NUMBER = "number"
FLAG = "flag"
STRING = "string"
MOMENT = "moment"
OTHER = "other"

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Column(NamedTuple):
    """One column.

    Attributes:
        shape: what `values` are. `NUMBERS`, `BOOLEANS` and `MOMENTS` (seconds since 1970, UTC): float64 with NaN where
            missing. `ITEMS`: Python objects. `CODED`: positions in `categories`, intp, -1 where missing.
        values: the values.
        categories: of a coded column, the distinct objects that occur.
    """

    shape: str
    values: Any
    categories: Sequence[Any] = ()


def sort_of(kind: type) -> str:
    """What the values of a type are: `ABSENT`, `NUMBER`, `FLAG`, `STRING`, `MOMENT` or `OTHER`."""
    if kind is type(None) or kind.__name__ in ("NAType", "NaTType"):  # pandas.NA and NaT
        return ABSENT
    if issubclass(kind, (bool, np.bool_)):
        return FLAG
    if issubclass(kind, (str, bytes)):
        return STRING
    if issubclass(kind, (datetime.date, np.datetime64)):
        return MOMENT
    if issubclass(kind, np.timedelta64):  # a subclass of NumPy's integers
        return OTHER
    return NUMBER if issubclass(kind, (numbers.Real, decimal.Decimal)) else OTHER


def seconds_of(moment: Any) -> float:
    """Seconds since 1970 in UTC of a date, a datetime (UTC where it has no zone) or a `datetime64`; NaN for NaT."""
    if isinstance(moment, np.datetime64):
        return float(_seconds(np.array([moment]))[0])
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime(moment.year, moment.month, moment.day)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return float((moment - _EPOCH).total_seconds())


def read_column(column: Any) -> Column:
    """Read one column of a table: an array, a list, or a series of pandas, polars or PyArrow."""
    if isinstance(column, np.ndarray):
        return _of_array(column)
    library = type(column).__module__.partition(".")[0]
    if library == "pandas":
        return _of_pandas(column)
    if library == "polars":
        return _of_polars(column)
    if library == "pyarrow":
        return _of_arrow(column)
    return Column(ITEMS, list(column))


def _of_array(values: npt.NDArray[Any]) -> Column:
    if isinstance(values, np.ma.MaskedArray):
        items = values.tolist()  # masked values become None
        if values.dtype.kind in "fiub":
            numbers_ = np.array([np.nan if item is None else item for item in items], dtype=np.float64)
            return Column(BOOLEANS if values.dtype.kind == "b" else NUMBERS, numbers_)
        return Column(ITEMS, items)
    kind = values.dtype.kind
    if kind in "fiu":
        return Column(NUMBERS, values.astype(np.float64, copy=False))
    if kind == "b":
        return Column(BOOLEANS, values.astype(np.float64))
    if kind == "M":
        return Column(MOMENTS, _seconds(values))
    if kind == "m":
        return Column(NUMBERS, _seconds(values))
    return Column(ITEMS, values.tolist())


def _seconds(values: npt.NDArray[Any]) -> Floats:
    unit = values.dtype.kind
    seconds = values.astype(f"{unit}8[us]").astype(np.int64) / 1e6
    seconds[np.isnat(values)] = np.nan
    return seconds


def _of_pandas(series: Any) -> Column:
    dtype = series.dtype
    if dtype.name == "category":
        categorical = series.array  # `series.cat` makes a series of the codes first
        categories = categorical.categories
        return _coded(
            categorical.codes,
            lambda used: (categories.take(used) if len(used) < len(categories) else categories).tolist(),
        )
    kind = getattr(dtype, "kind", "O")
    if kind == "M":
        return Column(MOMENTS, _seconds(series.to_numpy(dtype="datetime64[ns]")))
    if dtype.name.startswith("period"):
        return Column(MOMENTS, _seconds(series.dt.to_timestamp().to_numpy(dtype="datetime64[ns]")))
    if isinstance(dtype, np.dtype):
        return _of_array(series.to_numpy())
    if kind in "fiu":
        return Column(NUMBERS, series.to_numpy(dtype=np.float64, na_value=np.nan))
    if kind == "b":
        return Column(BOOLEANS, series.to_numpy(dtype=np.float64, na_value=np.nan))
    return Column(ITEMS, series.tolist())


def _of_polars(series: Any) -> Column:
    polars = sys.modules["polars"]
    dtype = series.dtype
    if dtype == polars.Boolean:
        return Column(BOOLEANS, series.cast(polars.Float64).to_numpy())
    if dtype.is_numeric():
        return Column(NUMBERS, series.cast(polars.Float64).to_numpy())
    if dtype in (polars.Date, polars.Datetime):
        return Column(MOMENTS, _seconds(series.to_numpy()))
    if dtype == polars.Duration:
        return Column(NUMBERS, _seconds(series.to_numpy()))
    return Column(ITEMS, series.to_list())


def _of_arrow(column: Any) -> Column:
    arrow = sys.modules["pyarrow"]
    types = arrow.types
    kind = column.type
    if types.is_dictionary(kind):
        return read_column(column.cast(kind.value_type))
    if types.is_boolean(kind):
        return Column(BOOLEANS, _doubles(column.cast(arrow.int8()), arrow))
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return Column(NUMBERS, _doubles(column, arrow))
    if types.is_timestamp(kind) or types.is_date(kind):
        return Column(
            MOMENTS, _seconds(np.asarray(column.cast(arrow.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)))
        )
    return Column(ITEMS, column.to_pylist())


def _doubles(column: Any, arrow: Any) -> Floats:
    values = column.cast(arrow.float64(), safe=False)  # integers above 2**53 are rounded
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _coded(codes: npt.NDArray[Any], categories: Any) -> Column:
    """A coded column with the categories that occur only: a batch of 256 rows may bring a list of a million."""
    highest = int(codes.max(initial=-1))
    if highest > len(codes):
        used, positions = np.unique(codes, return_inverse=True)
        absent = int(len(used) > 0 and used[0] < 0)
        return Column(CODED, positions.reshape(-1).astype(np.intp) - absent, categories(used[absent:]))
    shifted = codes.astype(np.intp) + 1  # -1 stands for a missing value
    occurs = np.zeros(highest + 2, dtype=bool)
    occurs[shifted] = True
    used = np.flatnonzero(occurs[1:])
    place = np.full(highest + 2, -1, dtype=np.intp)
    place[used + 1] = np.arange(len(used))
    return Column(CODED, place[shifted], categories(used))


def kinds_among(items: Iterable[Any]) -> dict[str, int]:
    """How many of the items are of each sort."""
    by_type: dict[type, int] = {}
    for item in items:
        kind = type(item)
        by_type[kind] = by_type.get(kind, 0) + 1
    sorts: dict[str, int] = {}
    for kind, count in by_type.items():
        sort = sort_of(kind)
        sorts[sort] = sorts.get(sort, 0) + count
    return sorts
