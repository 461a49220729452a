"""RESULTS.md, from the last run of every benchmark."""

from __future__ import annotations

from pathlib import Path

from benchmarks import render, report
from benchmarks.cases import NAMES

COLLECTOR = "collector"
"""The one that is no case: it needs the Collector and a backend, and has a command of its own."""

_PAGE = Path(__file__).with_name("RESULTS.md")


def write() -> None:
    """Write the page anew."""
    known = {name: found for name in (*NAMES, COLLECTOR) if (found := report.load(name)) is not None}
    _PAGE.write_text(render.page(known), encoding="utf-8")
