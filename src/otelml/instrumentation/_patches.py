"""Patches as rows: applied when their module is imported, restored where they are still ours."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import wrapt

from otelml._guard import guarded

Function = Callable[..., Any]


class Patch(NamedTuple):
    """One patch.

    Attributes:
        module: the module whose import is waited for.
        attribute: the dotted path of the function in it.
        wrapper: called as `wrapper(function, args, kwargs)` instead of the function.
    """

    module: str
    attribute: str
    wrapper: Callable[[Function, tuple[Any, ...], dict[str, Any]], Any]


class PatchTable:
    """Rows that are switched on and off together. Nothing is imported for them."""

    def __init__(self, *rows: Patch) -> None:
        self._rows = rows
        self._on = False
        self._waiting = False
        self._applied: list[tuple[Any, str, Any, Any]] = []

    def switch_on(self) -> None:
        """Apply the rows of imported modules now, the others on import."""
        self._on = True
        if not self._waiting:
            self._waiting = True  # a post-import hook can't be taken back
            for module in dict.fromkeys(row.module for row in self._rows):
                wrapt.register_post_import_hook(self._imported, module)
        else:
            for module in dict.fromkeys(row.module for row in self._rows):
                if module in sys.modules:
                    self._imported(sys.modules[module])

    def switch_off(self) -> None:
        """Restore every function that nobody patched after us; the others stay, and stay inert."""
        self._on = False
        for owner, name, original, replacement in reversed(self._applied):
            if vars(owner).get(name) is replacement:
                setattr(owner, name, original)
        self._applied.clear()

    @guarded
    def _imported(self, module: ModuleType) -> None:
        if not self._on:
            return
        for row in self._rows:
            if row.module == module.__name__:
                self._apply(module, row)

    @guarded
    def _apply(self, module: ModuleType, row: Patch) -> None:
        *path, name = row.attribute.split(".")
        owner: Any = functools.reduce(getattr, path, module)
        original = vars(owner)[name]

        @functools.wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            if not self._on:
                return original(*args, **kwargs)
            return row.wrapper(original, args, kwargs)

        setattr(owner, name, replacement)
        self._applied.append((owner, name, original, replacement))
