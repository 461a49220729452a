"""Validates the registry: shape, references, then the rules that make names and signals good ones."""

from __future__ import annotations

import sys
from pathlib import Path

from companions import check_pins, check_planned, installed_names
from naming import check_names, check_pinned_names
from registry import Registry
from resolution import resolve
from signals import check_signals
from sources import Problem, load
from structure import check_structure


def validate(root: Path) -> tuple[Registry | None, list[Problem]]:
    """Check the `semconv/` folder at `root`; the registry is None where its shape or a reference is wrong."""
    sources = load(root)
    problems = list(sources.problems) or check_structure(sources) or check_pins(sources)
    if problems:
        return None, problems
    registry, problems = resolve(sources)
    if problems:
        return None, problems
    problems = [*check_names(registry), *check_signals(sources, registry), *check_planned(sources, registry)]
    installed = installed_names()
    if installed:
        newer = frozenset(sources.upstream["registries"]["gen_ai"].get("newer_than_core", ()))
        problems += check_pinned_names(registry, installed, newer)
    return registry, problems


if __name__ == "__main__":
    _, found = validate(Path(__file__).resolve().parents[1])
    for problem in found:
        print(problem)
    sys.exit(1 if found else 0)
