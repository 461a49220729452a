"""The command: `python -m benchmarks [NAME ...] [--quick] [--write]`."""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module

from benchmarks import machine, render, report, results
from benchmarks.cases import NAMES
from benchmarks.report import Report


def main() -> int:
    """Run benchmarks; the exit code says whether all targets were met (0) or not (1)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)}; all of them by default")
    parser.add_argument(
        "--quick", action="store_true", help="a few calls each, to see that it runs; the figures mean nothing"
    )
    parser.add_argument("--write", action="store_true", help="write RESULTS.md from the last run of every benchmark")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if arguments.quick and arguments.write:
        parser.error("the figures of a quick run are not for RESULTS.md")
    reports = {name: _run(name, quick=arguments.quick) for name in arguments.names or NAMES}
    if arguments.write:
        results.write()
    return 0 if arguments.quick or all(check.met for found in reports.values() for check in found.checks) else 1


def _run(name: str, *, quick: bool) -> Report:
    run = machine.describe()
    print(f"{name} ...", file=sys.stderr)
    began = time.monotonic()
    found: Report = import_module(f"benchmarks.cases.{name}").run(quick)
    found.run = {**run, "took": f"{time.monotonic() - began:.0f} s"}
    if not quick:
        report.save(name, found)
    print(render.section(name, found), flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
