"""References as plain dicts of built-in types and arrays: few and small, so that they travel inside a pickled model.

They load where otelml is absent. What comes back is checked as input from anybody: a field that is missing, has another
type, or contradicts another one is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from otelml.monitors.dependence import Dependence
from otelml.monitors.reference.binning import MAX_BINS, cells_of, narrow
from otelml.monitors.reference.layout import (
    BINNED,
    BOOLEAN,
    CATEGORICAL,
    DATETIME,
    LISTED,
    NONZERO,
    NUMERIC,
    SPECIAL,
    TEXT,
    Category,
    Counts,
    Feature,
    Floats,
    Plain,
)
from otelml.monitors.reference.periods import LENGTHS, Periods
from otelml.monitors.reference.quantiles import packed_centers, unpacked_centers
from otelml.monitors.reference.reference import Reference
from otelml.monitors.tallies import narrowed

VERSION = 1
_LETTERS = {"n": NUMERIC, "c": CATEGORICAL, "b": BOOLEAN, "d": DATETIME, "t": TEXT, "z": NONZERO}
_LETTER_OF = {kind: letter for letter, kind in _LETTERS.items()}
_MOST_FEATURES = 100_000
_LONGEST_NAME = 10_000


def to_dict(reference: Reference) -> Plain:
    """A reference as a plain dict; `from_dict` reads it."""
    features = reference.features
    binned = [feature for feature in features if feature.kind in BINNED]
    plain: Plain = {
        "version": VERSION,
        "rows": reference.rows,
        "columns": reference.columns,
        "rare": reference.rare,
        "repeated": float(reference.repeated),
        "kinds": "".join(_LETTER_OF[feature.kind] for feature in features),
        "edge_counts": np.array([len(feature.edges) for feature in binned], dtype=np.uint8),
        "edges": narrow(np.concatenate([feature.edges for feature in binned] or [np.empty(0)])),
        "centers": np.concatenate([_centers(reference, at) for at in range(len(features))]),
        "counts": _small(np.concatenate([_used(reference.counts[at], f.cells) for at, f in enumerate(features)])),
        "spread": reference.spread.astype(np.float32),
    }
    if reference.named or any(feature.name != f"x{at}" for at, feature in enumerate(features)):
        plain["names"] = [feature.name for feature in features]
    if reference.named:
        plain["named"] = True
    categories = [list(feature.categories) for feature in features if feature.kind == CATEGORICAL]
    if categories:
        plain["categories"] = categories
    if reference.nonfinite.any():
        plain["nonfinite"] = _small(reference.nonfinite)
    if reference.target is not None:
        plain["target"] = to_dict(reference.target)
    if reference.dependence is not None:
        plain["dependence"] = reference.dependence.to_dict()
    if reference.periods is not None:
        periods = reference.periods
        plain["periods"] = {"kind": periods.kind, "counts": _small(periods.counts), "rows": _small(periods.rows)}
        if periods.clock is not None:
            plain["periods"]["clock"] = periods.clock
    return plain


def from_dict(plain: Mapping[str, Any]) -> Reference:
    """A reference from what `to_dict` returned.

    Raises:
        ValueError: it is from a newer version, or not what `to_dict` writes; the message names the field.
    """
    if not isinstance(plain, Mapping):
        raise ValueError(f"A reference is a dict, not {type(plain).__qualname__}.")
    version = _whole(plain, "version", 1)
    if version > VERSION:
        raise ValueError(f"version: {version} is newer than this release reads ({VERSION}). Update otelml.")
    rows = _whole(plain, "rows", 1)
    kinds = plain.get("kinds")
    if not isinstance(kinds, str) or not 1 <= len(kinds) <= _MOST_FEATURES or set(kinds) - set(_LETTERS):
        raise ValueError(f"kinds: expected letters of {''.join(_LETTERS)}, one for each feature.")
    names, named = _names(plain, len(kinds))
    features = _features(plain, names, [_LETTERS[letter] for letter in kinds])
    width = cells_of(features)
    counts = _matrix(_array(plain, "counts", "iu"), features, width, "counts")
    if (counts < 0).any() or (counts.sum(1) != rows).any():
        raise ValueError(f"counts: those of a feature must be positive and add up to the {rows} rows.")
    centers = _unpacked(_array(plain, "centers", "iu"), features, width)
    spread = _array(plain, "spread", "f", len(features))
    if not (np.isfinite(spread).all() and (spread > 0).all()):
        raise ValueError("spread: expected positive numbers.")
    columns = _whole(plain, "columns", len(features))
    nonfinite = _array(plain, "nonfinite", "iu", len(features)) if "nonfinite" in plain else np.zeros(len(features))
    return Reference(
        features=features,
        rows=rows,
        # A process keeps the references of all its models: half the width where that says the same.
        counts=counts.astype(np.int32) if rows < 1 << 31 else counts,
        centers=centers.astype(np.float32) if all(_is_narrow(feature.edges) for feature in features) else centers,
        spread=spread.astype(np.float64),
        columns=columns,
        named=named,
        rare=_whole(plain, "rare", 1),
        nonfinite=nonfinite.astype(np.int64),
        repeated=_share(plain, "repeated"),
        target=_section(plain, "target", from_dict),
        dependence=_section(plain, "dependence", lambda part: Dependence.from_dict(dict(part), len(features), width)),
        periods=_section(plain, "periods", lambda part: _periods(part, counts.shape, kinds)),
    )


def _section(plain: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], Any]) -> Any:
    part = plain.get(name)
    if part is None:
        return None
    if not isinstance(part, Mapping):
        raise ValueError(f"{name}: expected a dict, not {type(part).__qualname__}.")
    try:
        return read(part)
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(name) else f"{name}: {text}") from error


def _names(plain: Mapping[str, Any], features: int) -> tuple[list[str], bool]:
    names = plain.get("names", [f"x{at}" for at in range(features)])
    fine = isinstance(names, (list, tuple)) and all(isinstance(n, str) and len(n) <= _LONGEST_NAME for n in names)
    if not fine or len(names) != features or len(set(names)) != features:
        raise ValueError(f"names: expected {features} different texts.")
    return list(names), plain.get("named") is True


def _features(plain: Mapping[str, Any], names: Sequence[str], kinds: Sequence[str]) -> tuple[Feature, ...]:
    sizes = _array(plain, "edge_counts", "iu", sum(kind in BINNED for kind in kinds)).tolist()
    if any(not 0 <= size <= MAX_BINS + 1 or size == 1 for size in sizes):
        raise ValueError(f"edge_counts: expected 0, or 2 to {MAX_BINS + 1}, for each feature.")
    edges = _array(plain, "edges", "f", sum(sizes)).astype(np.float64)
    listed = plain.get("categories", [])
    if not isinstance(listed, (list, tuple)) or len(listed) != kinds.count(CATEGORICAL):
        raise ValueError("categories: expected a list for each categorical feature.")
    categories, features, at = iter(listed), [], 0
    remaining = iter(sizes)
    for position, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        own = np.empty(0)
        if kind in BINNED:
            size = next(remaining)
            own = edges[at : at + size]
            at += size
            if not np.isfinite(own).all() or (np.diff(own) <= 0).any():
                raise ValueError(f"edges: those of {name!r} are not finite and ascending.")
        kept = _categories(next(categories), name) if kind == CATEGORICAL else (0.0, 1.0) if kind in LISTED else ()
        features.append(Feature(name, kind, position, own, kept))
    return tuple(features)


def _categories(given: Any, name: str) -> tuple[Category, ...]:
    fine = isinstance(given, (list, tuple)) and all(
        isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in given
    )
    kept = tuple(one if isinstance(one, str) else float(one) for one in given) if fine else ()
    if not fine or len(set(kept)) != len(kept) or len(kept) > MAX_BINS:
        raise ValueError(f"categories: those of {name!r} are not {MAX_BINS} different texts and numbers at most.")
    return kept


def _centers(reference: Reference, at: int) -> npt.NDArray[np.uint8]:
    edges = reference.features[at].edges
    cells = max(len(edges) - 1, 0)
    return packed_centers(reference.centers[at, :cells], edges[:-1], edges[1:])


def _unpacked(packed: npt.NDArray[Any], features: Sequence[Feature], width: int) -> Floats:
    centers = np.full((len(features), width), np.nan)
    sizes = [0 if feature.kind in LISTED else feature.cells for feature in features]
    if sum(sizes) != len(packed):
        raise ValueError(f"centers: expected {sum(sizes)} of them.")
    if len(packed) and not 0 <= packed.min() <= packed.max() <= 255:
        raise ValueError("centers: expected whole numbers from 0 to 255.")
    first = 0
    for at, (feature, size) in enumerate(zip(features, sizes, strict=True)):
        edges = feature.edges
        centers[at, :size] = unpacked_centers(packed[first : first + size].astype(np.uint8), edges[:-1], edges[1:])
        first += size
    return centers


def _is_narrow(edges: Floats) -> bool:
    return narrow(edges).dtype == np.float32


def _used(counts: Counts, cells: int) -> Counts:
    return np.concatenate((counts[:cells], counts[-SPECIAL:]))


def _matrix(flat: npt.NDArray[Any], features: Sequence[Feature], width: int, name: str) -> Counts:
    counts = np.zeros((len(features), width), dtype=np.int64)
    if len(flat) != sum(feature.cells + SPECIAL for feature in features):
        raise ValueError(f"{name}: expected one for each cell.")
    first = 0
    for at, feature in enumerate(features):
        last = first + feature.cells
        counts[at, : feature.cells] = flat[first:last]
        counts[at, -SPECIAL:] = flat[last : last + SPECIAL]
        first = last + SPECIAL
    return counts


def _periods(part: Mapping[str, Any], shape: tuple[int, ...], kinds: str) -> Periods:
    kind = part.get("kind")
    if kind not in LENGTHS:
        raise ValueError(f"kind: expected one of {', '.join(LENGTHS)}.")
    counts = _numbers(part.get("counts"))
    if counts is None or counts.dtype.kind not in "iu" or counts.shape != (LENGTHS[kind], *shape) or (counts < 0).any():
        raise ValueError("counts: expected one for each period, feature and cell.")
    clock = _whole(part, "clock", 0) if "clock" in part else None
    if clock is not None and (clock >= len(kinds) or _LETTERS[kinds[clock]] != DATETIME):
        raise ValueError(f"clock: feature {clock} has no timestamps.")
    return Periods(
        kind,
        narrowed(counts, int(counts.max(initial=0))),
        _array(part, "rows", "iu", LENGTHS[kind]).astype(np.int64),
        clock,
    )


def _whole(plain: Mapping[str, Any], name: str, least: int) -> int:
    value = plain.get(name)
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}: expected a whole number of at least {least}, not {value!r}.")
    return int(value)


def _share(plain: Mapping[str, Any], name: str) -> float:
    value = plain.get(name)
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"{name}: expected a share from 0 to 1, not {value!r}.")
    return float(value)


def _array(plain: Mapping[str, Any], name: str, kinds: str, size: int | None = None) -> npt.NDArray[Any]:
    value = _numbers(plain.get(name))
    if value is None or value.ndim != 1 or (value.dtype.kind not in kinds and len(value)):
        raise ValueError(f"{name}: expected an array of numbers.")
    if size is not None and len(value) != size:
        raise ValueError(f"{name}: expected {size} numbers, not {len(value)}.")
    return value


def _numbers(value: Any) -> npt.NDArray[Any] | None:
    """An array, or lists of numbers as JSON leaves them of one."""
    if isinstance(value, list):
        try:
            value = np.array(value)
        except ValueError:  # lists of different lengths
            return None
    return value if isinstance(value, np.ndarray) else None


def _small(counts: Counts) -> npt.NDArray[Any]:
    highest = int(counts.max(initial=0))
    return counts.astype(np.uint16 if highest < 1 << 16 else np.uint32 if highest < 1 << 32 else np.int64)
