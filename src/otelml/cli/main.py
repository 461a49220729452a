"""The entry point of ``otelml``: finds the subcommand and runs it.

A subcommand is a module with ``configure(parser)``, which adds its arguments, and ``run(args)``, which returns the exit
code. Only the module of the command that was asked for is imported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import NamedTuple


class Command(NamedTuple):
    """Where a subcommand lives, and the line that ``otelml --help`` shows for it."""

    module: str
    summary: str


COMMANDS = {
    "demo": Command("otelml.cli.demo", "train and serve a churn model, and show the telemetry that arrives"),
    "view": Command("otelml.cli.view", "receive OTLP on this machine and show it in the terminal"),
    "doctor": Command("otelml.cli.doctor", "what otelml does here, and whether telemetry follows the convention"),
    "report": Command("otelml.cli.report", "make a page of what the monitors of a process have seen"),
    "rules": Command("otelml.cli.rules", "make Prometheus rules and alerts from service-level objectives"),
}

#: Distributions of the extra ``cli``, by the top-level module that they provide.
EXTRA_MODULES = {"rich": "cli", "yaml": "rules"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``otelml`` with these arguments (default: the process's own) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = _parser().parse_args(arguments[:1]).command
    parser = argparse.ArgumentParser(prog=f"otelml {name}", description=COMMANDS[name].summary)
    try:
        module = import_module(COMMANDS[name].module)
        module.configure(parser)
        code: int = module.run(parser.parse_args(arguments[1:]))
    except ModuleNotFoundError as error:
        extra = EXTRA_MODULES.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        sys.stderr.write(f"otelml {name} needs '{error.name}': pip install 'otelml[{extra}]'\n")
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    parser = argparse.ArgumentParser(
        prog="otelml",
        description="Observability for the machine learning in a Python program.",
        epilog="commands:\n" + "\n".join(f"  {name:{width}}  {it.summary}" for name, it in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version and exit")
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="one of the commands below")
    return parser


class _ShowVersion(argparse.Action):
    """Like argparse's own, but looks the version up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"otelml {version('otelml')}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
