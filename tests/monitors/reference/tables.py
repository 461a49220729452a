"""Tables that the tests of references share."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

ROWS = 400


def normal(rows: int = 2_000, columns: int = 3, seed: int = 0) -> npt.NDArray[np.float64]:
    """Independent standard normal columns."""
    return np.random.default_rng(seed).normal(size=(rows, columns))


def mixed(rows: int = ROWS, seed: int = 0) -> dict[str, list[Any]]:
    """A column of each kind, each with a missing value, as Python objects."""
    rng = np.random.default_rng(seed)
    start = datetime.datetime(2026, 1, 1)
    columns: dict[str, list[Any]] = {
        "amount": rng.normal(50, 10, rows).tolist(),
        "count": rng.integers(0, 5, rows).tolist(),
        "plan": rng.choice(["basic", "plus", "pro"], rows, p=[0.6, 0.3, 0.1]).tolist(),
        "active": (rng.random(rows) < 0.7).tolist(),
        "since": [start + datetime.timedelta(hours=int(hours)) for hours in rng.integers(0, 5_000, rows)],
        "note": ["n" * int(length) + str(at) for at, length in enumerate(rng.integers(1, 60, rows))],
    }
    for at, name in enumerate(columns):
        columns[name][at] = None
    return columns


KINDS = ["numeric", "numeric", "categorical", "boolean", "datetime", "text"]
"""Of the columns of `mixed`."""
