"""Functions that are reached under several names, wrapped under all of them: pickle compares what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from otelml._guard import guarded

Function = Callable[..., Any]


class Row(NamedTuple):
    """A function to be wrapped.

    Attributes:
        owners: the modules or classes that have it.
        name: its name in all of them.
        wrap: makes what takes its place.
    """

    owners: tuple[Any, ...]
    name: str
    wrap: Callable[[Function], Function]


class Wrapped:
    """The functions that are wrapped now."""

    def __init__(self) -> None:
        self._applied: list[tuple[Any, str, Any, Any]] = []

    def wrap(self, rows: Iterable[Row]) -> None:
        """Wrap functions."""
        for row in rows:
            self._wrap(row)

    @guarded
    def _wrap(self, row: Row) -> None:
        original = vars(row.owners[0])[row.name]
        replacement = row.wrap(original)
        for owner in row.owners:
            if vars(owner).get(row.name) is original:
                setattr(owner, row.name, replacement)
                self._applied.append((owner, row.name, original, replacement))

    def unwrap(self) -> None:
        """Restore every function that nobody wrapped after us; the others stay, and stay inert."""
        for owner, name, original, replacement in reversed(self._applied):
            if vars(owner).get(name) is replacement:
                setattr(owner, name, original)
        self._applied.clear()
