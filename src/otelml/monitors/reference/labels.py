"""Cells in words."""

from __future__ import annotations

from datetime import datetime, timezone

from otelml.monitors.reference.layout import (
    BOOLEAN,
    DATETIME,
    LISTED,
    NONZERO,
    SPECIAL,
    TEXT,
    Category,
    Feature,
    Floats,
)

_LONGEST = 40


def labels_of(feature: Feature, width: int, centers: Floats) -> tuple[str, ...]:
    """A text for each of `width` cells: `12.5 to 20`, `'Fiber optic'`, `missing`; empty where the feature has no cell.

    Args:
        feature: the feature.
        width: number of cells.
        centers: mean value of each bin. A bin whose mean is its left edge holds a single value, and is called by it.
    """
    if feature.kind in LISTED:
        own = [_category(feature.kind, category) for category in feature.categories]
        below = above = ""
    else:
        texts = [_number(feature.kind, edge) for edge in feature.edges.tolist()]
        alone = (centers[: max(len(texts) - 1, 0)] == feature.edges[:-1]).tolist()
        own = [
            left if single or left == right else f"{left} to {right}"
            for left, right, single in zip(texts, texts[1:], alone, strict=False)
        ]
        below, above = (f"below {texts[0]}", f"above {texts[-1]}") if texts else ("", "")
        if feature.kind == TEXT:
            own = [f"length {text}" for text in own]
    filler = [""] * (width - SPECIAL - len(own))
    unlisted = "other" if feature.kind in LISTED else "another type"
    return (*own, *filler, "missing", unlisted, below, above)


def shown_value(feature: Feature, value: float) -> str:
    """A value of a binned feature as text."""
    return _number(feature.kind, value)


def _category(kind: str, category: Category) -> str:
    if kind == BOOLEAN:
        return "true" if category else "false"
    if kind == NONZERO:
        return "non-zero" if category else "zero"
    if isinstance(category, float):
        return f"{category:g}"
    return repr(category if len(category) <= _LONGEST else category[: _LONGEST - 1] + "…")


def _number(kind: str, value: float) -> str:
    if kind != DATETIME:
        return f"{value:.6g}"
    try:
        moment = datetime.fromtimestamp(value, timezone.utc)
    except (OverflowError, OSError, ValueError):
        return f"{value:.6g}"
    return moment.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")
