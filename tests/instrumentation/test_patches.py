"""Patches as rows of a table: applied on import, restored where they are ours."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wrapt

from otelml.instrumentation._patches import Patch, PatchTable

LIBRARY = """
def plain(x, *, y=1):
    "Adds."
    return x + y

class Outer:
    class Inner:
        def method(self, x):
            return x
"""
_numbers = itertools.count()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a library that no process has imported yet."""
    name = f"patched_library_{next(_numbers)}"
    (tmp_path / f"{name}.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def _doubled(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return 2 * function(*args, **kwargs)


def _table(library: str) -> PatchTable:
    return PatchTable(Patch(library, "plain", _doubled), Patch(library, "Outer.Inner.method", _doubled))


def test_applied_on_import(library: str) -> None:
    """Nothing is imported for the rows; functions and methods are replaced when the library is imported."""
    table = _table(library)
    table.switch_on()
    assert library not in sys.modules
    module = importlib.import_module(library)
    assert (module.plain(1, y=2), module.Outer.Inner().method(4)) == (6, 8)
    assert (module.plain.__name__, module.plain.__doc__) == ("plain", "Adds.")
    table.switch_off()
    assert (module.plain(1, y=2), module.Outer.Inner().method(4)) == (3, 4)


def test_applied_to_what_is_imported(library: str) -> None:
    """A library that is there is patched at once, and each time anew, and gets its own functions back."""
    module = importlib.import_module(library)
    original = module.plain
    table = _table(library)
    for _ in range(2):
        table.switch_on()
        assert module.plain(1) == 4
        table.switch_off()
        assert module.plain is original


def test_off_before_the_import(library: str) -> None:
    """A table that was switched off meanwhile leaves the import alone; switched on again, it applies."""
    table = _table(library)
    table.switch_on()
    table.switch_off()
    module = importlib.import_module(library)
    assert module.plain(1) == 2
    table.switch_on()
    assert module.plain(1) == 4
    table.switch_off()


def test_patched_again_by_somebody_else(library: str) -> None:
    """A function that was replaced after us stays as it is, and ours inside it is inert."""
    module: Any = importlib.import_module(library)
    table = _table(library)
    table.switch_on()
    ours = module.plain
    theirs = module.plain = lambda x: ours(x) + 100
    table.switch_off()
    assert module.plain is theirs
    assert module.plain(1) == 102


@pytest.mark.usefixtures("contained_faults")
def test_rows_that_do_not_fit(library: str) -> None:
    """A function that this version of the library lacks leaves the other rows, and the import, alone."""
    table = PatchTable(
        Patch(library, "absent", _doubled),
        Patch(library, "Outer.Absent.method", _doubled),
        Patch(library, "plain", _doubled),
        Patch("no_such_library", "plain", _doubled),
    )
    table.switch_on()
    module = importlib.import_module(library)
    assert module.plain(1) == 4
    table.switch_off()


def test_put_inside_what_wraps_a_subclass(library: str) -> None:
    """Somebody who wrapped the inherited method before us has ours inside, and gets the own wrapper back."""
    module = importlib.import_module(library)

    class Client(module.Outer.Inner):  # type: ignore[name-defined]
        pass

    def squared(function: Callable[..., Any], _self: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return function(*args, **kwargs) ** 2

    wrapt.wrap_function_wrapper(Client, "method", squared)
    theirs = vars(Client)["method"]
    table = _table(library)
    table.switch_on()
    assert Client().method(3) == 36
    table.switch_off()
    assert vars(Client)["method"] is theirs
    assert Client().method(3) == 9
