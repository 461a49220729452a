"""Puts windows to one contender, in its own environment: `python -m benchmarks.drift.worker NAME ...`; prints JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.drift.contenders import CONTENDERS, DEPENDENCE, Contender
from benchmarks.drift.tables import CHANGES, changed, table

SIZES = (200, 1_000, 10_000)
REFERENCE_ROWS = 10_000


def main() -> None:
    """Judge windows without drift, then with each change, by turns over several references."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=list(CONTENDERS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--references", type=int, default=10)
    parser.add_argument("--windows", type=int, default=1_000, help="windows without drift, by size")
    parser.add_argument("--changed", type=int, default=840, help="windows with a change, by change and size")
    parser.add_argument("--seconds", type=float, default=90.0, help="that all of it takes, as near as can be")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        found = _all_cells(options)
    json.dump({"contender": options.contender, "python": sys.version.split()[0], "cells": found}, sys.stdout)


def _all_cells(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every figure; each may take its part of the time that is left."""
    ends = time.perf_counter() + options.seconds
    asked = [(rows, change) for rows in SIZES for change in (None, *CHANGES) if _asked(rows, change)]
    known: dict[tuple[int, int], Contender] = {}
    found = []
    for number, (rows, change) in enumerate(asked):
        seconds = (ends - time.perf_counter()) / (len(asked) - number)
        found.append(_cell(options, rows, change, seconds, known))
    return found


def _asked(rows: int, change: str | None) -> bool:
    return change is None or rows in CHANGES[change].least


def _cell(
    options: argparse.Namespace,
    rows: int,
    change: str | None,
    seconds: float,
    known: dict[tuple[int, int], Contender],
) -> dict[str, Any]:
    """One figure: the share of windows in which anything, or the changed column, is flagged.

    Args:
        options: of the command.
        rows: of a window.
        change: what has happened to a column; None: nothing.
        seconds: after which no further window is judged, but for one of each reference that it has come to.
        known: by reference and rows, those who know the reference already: some take seconds to learn one.
    """
    began = time.perf_counter()
    wanted = options.windows if change is None else options.changed
    hits: dict[str, list[bool]] = {}
    spent: list[float] = []
    references = 0
    for number in range(options.references):
        if hits and time.perf_counter() - began > seconds:
            break
        references += 1
        rng = np.random.default_rng([options.seed, number, rows])
        reference = table(rng, REFERENCE_ROWS)
        if (number, rows) not in known:
            known[number, rows] = CONTENDERS[options.contender](reference, rows)
        contender = known[number, rows]
        until = (number + 1) / options.references * seconds
        for column, window in _windows(rng, change, rows, -(-wanted // options.references)):
            started = time.process_time()
            flagged = contender.flagged(window)
            spent.append(time.process_time() - started)
            hits.setdefault(column, []).append(bool(flagged) if change is None else _found(flagged, column, change))
            if time.perf_counter() - began > until:
                break
    everything = [hit for column in hits.values() for hit in column]
    return {
        "rows": rows,
        "change": change,
        "references": references,
        "windows": len(everything),
        "flagged": sum(everything),
        "ms": statistics.median(spent) * 1e3,
        "columns": {column: sum(each) / len(each) for column, each in hits.items()},
    }


def _windows(
    rng: np.random.Generator, change: str | None, rows: int, windows: int
) -> Iterator[tuple[str, pd.DataFrame]]:
    if change is None:
        yield from (("", table(rng, rows)) for _ in range(windows))
    else:
        yield from changed(rng, CHANGES[change], rows, windows)


def _found(flagged: set[str], column: str, change: str) -> bool:
    return bool(flagged & ({column, DEPENDENCE} if change == "correlation lost" else {column}))


if __name__ == "__main__":
    main()
