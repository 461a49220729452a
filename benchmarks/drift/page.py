"""What was found, as the page DRIFT.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.drift.tables import CHANGES
from benchmarks.drift.worker import SIZES
from benchmarks.render import markdown
from benchmarks.report import Check, Table

OURS = "otelml"
MOST_FALSE = 5.0
MOST_MS = 5.0

_INTRODUCTION = """# Drift: what is found, and how often nothing is taken for something

Written by `python -m benchmarks.drift --write`, never edited. A table of 20 mixed columns (normal, correlated,
log-normal, exponential, uniform, heavy-tailed, bimodal, zero-inflated; categorical of 3 to 50 levels; some with
missing values), a reference of 10,000 rows, and windows of 200, 1,000 and 10,000 rows, which are judged one by one.
Figures are over ten references, as far as the time allows. Every contender has its defaults; what counts as flagged
stands in `benchmarks/drift/contenders.py`.

- False alarms: windows without drift in which anything is flagged, a warning included, by 1,000 windows.
- Found: the share of windows with one changed column in which that column is flagged; the columns take turns. Read it
  beside the false alarms: who flags everything finds everything.
- Of windows: how many were judged without drift, and how many with each change.
- Time: milliseconds of CPU for a window of 20 columns, from the table to the verdict: the median, with one thread of
  BLAS.

Evidently, alibi-detect, NannyML, river and whylogs run in environments of their own (`benchmarks/peers-drift-*.txt`,
made by the command). They are slower, so they judge as many windows as fit into a given time: 90 seconds each unless
`--seconds` says otherwise, and the command takes some 15 minutes. A share of few windows is a rough one.
"""


def checks(cells: list[dict[str, Any]]) -> list[Check]:
    """The figures of otelml beside their targets."""
    held = []
    for cell in cells:
        rows, change, share = cell["rows"], cell["change"], cell["flagged"] / cell["windows"]
        if change is None:
            held.append(Check(f"{rows:,} rows: false alarms", _false(cell), "<= 5", 1_000 * share <= MOST_FALSE))
            held.append(Check(f"{rows:,} rows: ms", f"{cell['ms']:.1f}", "<= 5", cell["ms"] <= MOST_MS))
        else:
            least = CHANGES[change].least[rows]
            held.append(Check(f"{rows:,} rows: {change}", f"{share:.3f}", f">= {least:.2f}", share >= least))
    return held


def page(found: Mapping[str, Mapping[str, Any]], run: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        found: by contender, what its worker printed; or `{"unavailable": why}`.
        run: when and on what it was measured.
    """
    parts = [_INTRODUCTION]
    if OURS in found:
        held = checks(found[OURS]["cells"])
        rows = [[check.what, check.figure, check.target, "met" if check.met else "**missed**"] for check in held]
        parts += ["## Targets\n", markdown(Table("", ["otelml", "Measured", "Target", ""], rows))]
    available = {name: each for name, each in found.items() if "cells" in each}
    for size in SIZES:
        parts += [f"## Windows of {size:,} rows\n", markdown(_table(available, size))]
    if OURS in available:
        parts += ["## By column\n", "Columns in which otelml finds less than 99% of the changes.\n"]
        parts.append(markdown(_by_column(available[OURS]["cells"])))
    for name, each in found.items():
        if "unavailable" in each:
            parts.append(f"- {name} is missing: {each['unavailable']}")
    parts.append("; ".join(f"{key}: {value}" for key, value in run.items()) + ".\n")
    return "\n".join(parts)


def _table(found: Mapping[str, Mapping[str, Any]], size: int) -> Table:
    changes = [name for name, change in CHANGES.items() if size in change.least]
    rows = []
    for name, each in found.items():
        cells = {cell["change"]: cell for cell in each["cells"] if cell["rows"] == size}
        shares = [f"{cells[change]['flagged'] / cells[change]['windows']:.2f}" for change in changes]
        null = cells[None]
        judged = sorted(cells[change]["windows"] for change in changes)
        most = f"{judged[0]:,}" if judged[0] == judged[-1] else f"{judged[0]:,} to {judged[-1]:,}"
        rows.append([name, _false(null), f"{null['windows']:,}", *shares, most, f"{null['ms']:.1f}"])
    return Table("", ["", "False alarms", "of windows", *changes, "of windows each", "ms"], rows)


def _by_column(cells: list[dict[str, Any]]) -> Table:
    rows = []
    for cell in cells:
        hard = {column: share for column, share in cell["columns"].items() if share < 0.99}
        if cell["change"] is not None and hard:
            told = ", ".join(f"{column} {share:.2f}" for column, share in hard.items())
            rows.append([f"{cell['change']}, {cell['rows']:,} rows", told])
    return Table("", ["Change", "Found"], rows)


def _false(cell: Mapping[str, Any]) -> str:
    return f"{1_000 * cell['flagged'] / cell['windows']:.1f}"
