"""Values of the host turned into attribute values: short, and few."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

OTHER = "_OTHER"
"""OpenTelemetry's value for what is left out to bound the number of distinct values."""

MAX_LENGTH = 128
_MAX_DISTINCT = 20

_T = TypeVar("_T", bound=Hashable)


def text(value: object) -> str:
    """A predicted class or context value as an attribute value."""
    return str(value)[:MAX_LENGTH]


def countable(label: Hashable) -> Hashable:
    """A predicted class as a key to count by: the host's own objects are not kept, and NaN equals NaN."""
    if label != label:
        return "NaN"
    if isinstance(label, str):
        return label[:MAX_LENGTH]
    if label is None or isinstance(label, (bool, int, float)):
        return label
    return text(label)


class Distinct:
    """Lets a bounded number of distinct values through; every further one becomes `OTHER`."""

    def __init__(self, limit: int = _MAX_DISTINCT) -> None:
        self._limit = limit
        self._seen: set[Hashable] = set()

    def admits(self, value: Hashable) -> bool:
        """Whether the value is one of those let through, remembering it while there is room."""
        if value in self._seen:
            return True
        if len(self._seen) >= self._limit:
            return False
        self._seen.add(value)
        return True
