"""The command: reads states of monitors, writes a page."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from otelml.cli.report.page import page
from otelml.monitors.live import storage

_REFUSED = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.description = (
        "Makes one HTML page, with no references to anything outside it, of the state of monitors that "
        "otelml.snapshot() or the setting state_file has written: every feature beside its reference, drift over time, "
        "data quality and predictions."
    )
    parser.add_argument("states", nargs="+", type=Path, metavar="STATE", help="a file with the state of a process")
    parser.add_argument(
        "--output", "-o", type=Path, default=Path("report.html"), metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("--open", action="store_true", help="show the page in the browser")


def run(args: argparse.Namespace) -> int:
    """Write the page; return the exit code."""
    try:
        watches = [(path.name, storage.revived(state)) for path in args.states for state in storage.load(path).values()]
    except (OSError, ValueError) as error:
        print(f"otelml report: {error}", file=sys.stderr)
        return _REFUSED
    args.output.write_text(page(watches), encoding="utf-8")
    drifted = sum(
        state.state == "drifted" for _, watch in watches if watch.features for state in watch.features.drift.states
    )
    print(f"{args.output}: {_counted(len(watches), 'model')}, {_counted(drifted, 'check')} drifted.")
    if args.open:
        webbrowser.open(args.output.resolve().as_uri())
    return 0


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
