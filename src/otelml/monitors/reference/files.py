"""References as JSON, for models whose format drops attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from otelml.monitors.reference.layout import Plain
from otelml.monitors.reference.packing import from_dict, to_dict
from otelml.monitors.reference.reference import Reference

_TYPES = frozenset(("u1", "u2", "u4", "i4", "i8", "f2", "f4", "f8"))
_MOST_NUMBERS = 50_000_000


def to_json(reference: Reference) -> str:
    """A reference as JSON; the same reference gives the same text."""
    return json.dumps(_encoded(to_dict(reference)), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Reference:
    """A reference from `to_json`.

    Raises:
        ValueError: not JSON, or not a reference that this release reads.
    """
    try:
        plain = _decoded(json.loads(text))
    except RecursionError as error:
        raise ValueError("The file is not a reference: it is nested too deep.") from error
    return from_dict(plain)


def save(reference: Reference, path: str | Path) -> None:
    """Write a reference to a JSON file."""
    Path(path).write_text(to_json(reference), encoding="utf-8")


def load(path: str | Path) -> Reference:
    """Read a reference from a JSON file.

    Raises:
        OSError: the file can't be read.
        ValueError: it is not a reference that this release reads; the message names the file.
    """
    try:
        return from_json(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _encoded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _encoded(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        # The shortest text that a number of its width is read back from: 4.6, where 64 bits would say 4.59999990463.
        flat = [float(str(one)) for one in value.ravel()] if value.dtype.kind == "f" else value.ravel().tolist()
        return {"type": value.dtype.str[1:], "shape": list(value.shape), "values": flat}
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"type", "shape", "values"}:
            return _array(value)
        return {key: _decoded(part) for key, part in value.items()}
    return value


def _array(stored: Plain) -> Any:
    kind, shape, values = stored["type"], stored["shape"], stored["values"]
    whole = isinstance(shape, list) and all(isinstance(side, int) and side >= 0 for side in shape)
    numbers = isinstance(values, list) and len(values) <= _MOST_NUMBERS and all(type(v) in (int, float) for v in values)
    if kind not in _TYPES or not whole or not numbers:
        raise ValueError("An array is not stored as `type`, `shape` and `values`.")
    try:
        with np.errstate(over="raise"):
            wide = np.array(values, dtype=np.float64 if kind.startswith("f") else np.int64)
            array = wide.astype(kind).reshape(shape)
    except (ArithmeticError, ValueError) as error:
        raise ValueError(f"An array of {len(values)} numbers does not fit its type or shape: {error}") from error
    if array.dtype.kind != "f" and array.ravel().tolist() != values:
        raise ValueError(f"An array of type {kind} has numbers that are not of it.")
    return array
