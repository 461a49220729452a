"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import otelml
from otelml.distro.composition import INSTRUMENTORS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "otelml"
GENERATED = PACKAGE / "semconv"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if GENERATED not in path.parents)
IN_THE_HOST = [path for path in SOURCES if path.relative_to(PACKAGE).parts[0] not in ("cli", "viewer")]
MAX_LINES = 300

CONTAINS_FAULTS = {
    "_guard.py",
    "instrumentation/sklearn/runtime.py",
    "instrumentation/torch/runtime.py",
    "instrumentation/torch/training/quick.py",
    "telemetry/genai/stream.py",
}
"""The guard, and the hot paths that stand for it (docs/decisions/0004)."""

HEEDS_FORKS = {"_forks.py", "instrumentation/nvidia/devices.py"}
"""What is called in forked children; NVML has locks of its own, so that one waits before a fork, too."""


def docstrings(tree: ast.Module) -> set[int]:
    """The ids of the nodes that are docstrings, of modules, classes, functions and constants."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def name(path: Path) -> str:
    """A source file as it is called in this test."""
    return path.relative_to(PACKAGE).as_posix()


def swallowing_handlers(tree: ast.Module) -> Iterator[ast.ExceptHandler]:
    """Handlers of every exception that do not raise."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.id if isinstance(node.type, ast.Name) else None
            everything = node.type is None or caught in ("Exception", "BaseException")
            if everything and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
                yield node


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_names_of_the_convention_come_from_the_registry(path: Path) -> None:
    """No string outside the generated names begins with `ml.` or `gen_ai.`."""
    tree = ast.parse(path.read_text())
    described = docstrings(tree)
    literals = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described
    ]
    assert [text for text in literals if text.startswith(("ml.", "gen_ai."))] == []


@pytest.mark.parametrize("path", IN_THE_HOST, ids=name)
def test_faults_are_contained_in_one_place(path: Path) -> None:
    """Nothing but the guard swallows every exception."""
    handlers = list(swallowing_handlers(ast.parse(path.read_text())))
    assert bool(handlers) == (name(path) in CONTAINS_FAULTS)


@pytest.mark.parametrize("path", IN_THE_HOST, ids=name)
def test_nothing_hangs_in_a_forked_child(path: Path) -> None:
    """No `cached_property`, whose lock a forked child never gets back (Python 3.11); forks are heeded in one place."""
    source = path.read_text()
    assert "@cached_property" not in source
    assert "register_at_fork" not in source or name(path) in HEEDS_FORKS


def test_settings_alone_read_our_variables() -> None:
    """`OTELML_` is read in one file."""
    assert [name(path) for path in SOURCES if '"OTELML_' in path.read_text()] == ["settings/__init__.py"]


def test_files_are_short() -> None:
    """A file has one purpose and 300 lines at most; generated ones are as long as the registry."""
    folders = [PACKAGE, ROOT / "tests", ROOT / "semconv", ROOT / "benchmarks", ROOT / "examples", ROOT / "docs"]
    files = [path for folder in folders for path in folder.rglob("*.py") if GENERATED not in path.parents]
    long = {path.name: len(lines) for path in files if len(lines := path.read_text().splitlines()) > MAX_LINES}
    assert long == {}


def test_launcher_and_one_line_enable_the_same() -> None:
    """The project's entry points name the instrumentors that `otelml.instrument()` switches on."""
    found = entry_points(group="opentelemetry_instrumentor")
    assert {point.name: point.value for point in found if point.value.startswith("otelml.")} == INSTRUMENTORS


def test_public_names() -> None:
    """The package has few public names, and all of them exist and are documented."""
    assert len(otelml.__all__) <= 15
    assert all(getattr(otelml, public).__doc__ for public in otelml.__all__)
