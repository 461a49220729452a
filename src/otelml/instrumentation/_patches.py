"""Patches as rows: applied when their module is imported, restored where they are still ours."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
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
        optional: whether the library has versions without the function.
        makes: whether `wrapper` is given the function alone, and makes what takes its place: a frame less for a
            function that is called often. It is inert by itself where nothing is on.
    """

    module: str
    attribute: str
    wrapper: Callable[..., Any]
    optional: bool = False
    makes: bool = False


class OnImport:
    """Calls back for modules that are imported, now or later. Nothing is imported for it."""

    def __init__(self, modules: Iterable[str], callback: Callable[[ModuleType], None]) -> None:
        """Wait for nothing yet.

        Args:
            modules: full names of the modules.
            callback: given the module; called again for imported modules whenever `expect` is.
        """
        self._modules = tuple(dict.fromkeys(modules))
        self._callback = callback
        self._waiting = False

    def expect(self) -> None:
        """Call back now for the modules that are imported, and on their import for the others."""
        if self._waiting:  # a post-import hook can't be taken back
            for name in self._modules:
                if name in sys.modules:
                    self._callback(sys.modules[name])
            return
        self._waiting = True
        for name in self._modules:
            wrapt.register_post_import_hook(self._callback, name)


class PatchTable:
    """Rows that are switched on and off together."""

    def __init__(self, *rows: Patch) -> None:
        self._rows = rows
        self._on = False
        self._applied: list[tuple[Any, str, Any, Any]] = []
        self._imports = OnImport((row.module for row in rows), self._imported)

    def switch_on(self) -> None:
        """Apply the rows of imported modules now, the others on import."""
        self._on = True
        self._imports.expect()

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
        if row.optional and name not in vars(owner):
            return
        original = vars(owner)[name]

        replacement = self._replacement(row, original)
        self._put(owner, name, original, replacement)
        if isinstance(owner, type):
            self._put_inside(owner, name, original, replacement)

    def _put(self, owner: Any, name: str, original: Any, replacement: Any) -> None:
        setattr(owner, name, replacement)
        self._applied.append((owner, name, original, replacement))

    def _put_inside(self, owner: type, name: str, original: Function, replacement: Function) -> None:
        """Put ours inside what others have wrapped around the function for a subclass, which would pass ours by.

        So does OpenInference (0.1) with the clients of OpenAI, whose requests are those of their base class.
        """
        subclasses: list[type] = owner.__subclasses__()
        for cls in subclasses:
            theirs: Any = vars(cls).get(name)
            if isinstance(theirs, wrapt.FunctionWrapper) and theirs.__wrapped__ is original:
                self._put(cls, name, theirs, wrapt.FunctionWrapper(replacement, theirs._self_wrapper))
            self._put_inside(cls, name, original, replacement)

    def _replacement(self, row: Patch, original: Function) -> Function:
        if row.makes:
            made: Function = row.wrapper(original)
            return made
        if inspect.iscoroutinefunction(original):  # and the replacement must be one, for whoever asks

            @functools.wraps(original)
            async def asynchronous(*args: Any, **kwargs: Any) -> Any:
                if not self._on:
                    return await original(*args, **kwargs)
                return await row.wrapper(original, args, kwargs)

            return asynchronous

        @functools.wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            if not self._on:
                return original(*args, **kwargs)
            return row.wrapper(original, args, kwargs)

        return replacement
