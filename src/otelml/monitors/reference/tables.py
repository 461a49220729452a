"""Tables of whatever library, seen as columns; nothing is converted until a column of a slice of rows is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.columns import Column, read_column
from otelml.monitors.reference.layout import Codes


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        names: of the columns; None where they have none.
        rows: number of rows.
        width: number of columns.
        part: the rows `first:stop:step` as a table.
        column: reads one column, by position.
        dense: reads the columns at some positions, or all, as one array of real numbers; None where not
            all of them are plain numbers.
        sparse: whether it is a sparse matrix.
    """

    names: tuple[str, ...] | None
    rows: int
    width: int
    part: Callable[[int, int, int], Table]
    column: Callable[[int], Column]
    dense: Callable[[Codes | None], npt.NDArray[Any] | None]
    sparse: bool = False


def open_table(X: Any) -> Table:
    """See any supported object as a table; 1-d ones have a single column.

    Takes arrays (structured, masked and of objects, too), lists of rows, of records or of values, dicts of columns,
    pandas, polars and PyArrow, sparse matrices of SciPy, and whatever offers `__array__`.

    Raises:
        TypeError: something else.
    """
    if isinstance(X, np.ndarray):
        # A subclass may do something else when sliced: a column of a `matrix` has two dimensions.
        return _of_array(X if isinstance(X, np.ma.MaskedArray) else np.asarray(X))
    library = type(X).__module__.partition(".")[0]
    opener = _OPENERS.get(library)
    table = opener(X) if opener is not None else None
    if table is not None:
        return table
    if isinstance(X, Mapping):
        return _of_columns([str(name) for name in X], list(X.values()))
    if isinstance(X, (list, tuple)):
        return _of_rows(X)
    if hasattr(X, "__array__"):
        return _of_array(np.asarray(X))
    raise TypeError(
        f"{type(X).__module__}.{type(X).__qualname__} is not a table. Give an array, a data frame, an Arrow table, "
        "a sparse matrix, a list of rows or a dict of columns."
    )


def _of_array(values: npt.NDArray[Any]) -> Table:
    if values.dtype.names:
        return _of_columns(list(values.dtype.names), [values[name] for name in values.dtype.names])
    if values.ndim not in (1, 2):
        raise TypeError(f"A table has one or two dimensions, not {values.ndim}.")
    if values.ndim == 1:
        values = values[:, None]
    real = values.dtype.kind in "fiu" and not isinstance(values, np.ma.MaskedArray)
    return Table(
        None,
        values.shape[0],
        values.shape[1],
        lambda first, stop, step: _of_array(values[first:stop:step]),
        lambda at: read_column(values[:, at]),
        lambda columns: None if not real else np.asarray(values if columns is None else values[:, columns]),
    )


def _of_columns(names: Sequence[str] | None, columns: Sequence[Any]) -> Table:
    columns = [np.asarray(column) if _scalars(column) else column for column in columns]
    rows = min((len(column) for column in columns), default=0)
    return Table(
        distinct(names) if names is not None else None,
        rows,
        len(columns),
        lambda first, stop, step: _of_columns(names, [column[first:stop:step] for column in columns]),
        lambda at: read_column(columns[at][:rows]),
        lambda columns: None,
    )


def _scalars(column: Any) -> bool:
    return not hasattr(column, "__getitem__") or isinstance(column, (str, bytes))


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names with a number after those that are there already."""
    if len(set(names)) == len(names):
        return tuple(names)
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return tuple(result)


def _of_rows(rows: Sequence[Any]) -> Table:
    first = rows[0] if len(rows) else None
    if isinstance(first, Mapping):
        names = list(dict.fromkeys(str(name) for row in rows if isinstance(row, Mapping) for name in row))
        records = [{str(k): v for k, v in row.items()} if isinstance(row, Mapping) else {} for row in rows]
        return _of_columns(names, [[record.get(name) for record in records] for name in names])
    if isinstance(first, np.ndarray) and all(isinstance(row, np.ndarray) and row.shape == first.shape for row in rows):
        return _of_array(np.asarray(rows))
    if isinstance(first, (list, tuple, np.ndarray)):
        cells = [row if isinstance(row, (list, tuple, np.ndarray)) else (row,) for row in rows]
        return _of_columns(None, [list(column) for column in zip_longest(*cells)])
    return _of_columns(None, [list(rows)])


def _of_pandas(X: Any) -> Table | None:
    if not hasattr(X, "iloc"):  # an index or an extension array
        return _of_array(np.asarray(X)) if hasattr(X, "__array__") else None
    if X.ndim == 1:
        return _of_frame(X.to_frame(), None)
    labels = list(X.columns)
    own = labels != list(range(len(labels)))  # what pandas calls columns that nobody has named
    return _of_frame(X, distinct([str(label) for label in labels]) if own else None)


def _of_frame(X: Any, names: tuple[str, ...] | None) -> Table:
    def dense(columns: Codes | None) -> npt.NDArray[Any] | None:
        dtypes = X.dtypes.tolist()
        dtypes = dtypes if columns is None else [dtypes[at] for at in columns.tolist()]
        if not all(isinstance(dtype, np.dtype) and dtype.kind in "fiu" for dtype in dtypes):
            return None
        return np.asarray((X if columns is None else X.iloc[:, columns]).to_numpy(dtype=np.float64))

    return Table(
        names,
        X.shape[0],
        X.shape[1],
        lambda first, stop, step: _of_frame(X.iloc[first:stop:step], names),
        lambda at: read_column(X.iloc[:, at]),
        dense,
    )


def _of_polars(X: Any) -> Table | None:
    if hasattr(X, "to_frame"):  # a series
        return _of_columns(None, [X])
    if not hasattr(X, "get_columns"):  # a lazy frame: collecting it is the host's to do
        return None
    return _of_columns(list(X.columns), X.get_columns())


def _of_arrow(X: Any) -> Table | None:
    if hasattr(X, "column_names"):
        return _of_columns(list(X.column_names), list(X.columns))
    if hasattr(X, "type") and hasattr(X, "to_pylist"):
        return _of_columns(None, [X])
    schema = getattr(X, "schema", None)  # a record batch of a release before 14 has no names of columns
    return _of_columns(list(schema.names), list(X.columns)) if schema is not None and hasattr(X, "columns") else None


def _of_sparse(X: Any) -> Table | None:
    if not hasattr(X, "tocsr") or X.ndim != 2:
        return _of_array(X.toarray()) if hasattr(X, "toarray") else None
    return _of_rows_of_sparse(X.tocsr())


def _of_rows_of_sparse(rows: Any) -> Table:
    return Table(
        None,
        rows.shape[0],
        rows.shape[1],
        lambda first, stop, step: _of_rows_of_sparse(rows[first:stop:step]),
        lambda at: read_column(rows[:, [at]].toarray().ravel()),
        lambda columns: (rows if columns is None else rows[:, columns]).toarray(),
        sparse=True,
    )


_OPENERS: dict[str, Callable[[Any], Table | None]] = {
    "pandas": _of_pandas,
    "polars": _of_polars,
    "pyarrow": _of_arrow,
    "scipy": _of_sparse,
}
