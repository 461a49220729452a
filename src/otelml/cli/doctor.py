"""``otelml doctor``: what otelml does on this machine, and whether telemetry follows the convention."""

from __future__ import annotations

import argparse
from pathlib import Path

from otelml.cli import doctor_check
from otelml.viewer.livecheck import LEVELS
from otelml.viewer.otlp import Signal


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.description = (
        "Without options: what is instrumented, where it is exported to, and the settings in force. With --check or "
        "--listen: holds OTLP data against the convention that otelml emits by. The exit code is 0 if all is well, 1 "
        "if not, 2 if the arguments are wrong."
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="form of the report")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--check", type=Path, metavar="FILE", help="check a file of OTLP: JSON, or see --signal")
    source.add_argument("--listen", action="store_true", help="receive OTLP until Ctrl-C and check it")
    check = parser.add_argument_group("options of --check and --listen")
    check.add_argument("--level", choices=LEVELS, default="violation", help="least level to show (default: violation)")
    check.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="NAME",
        help="an attribute of your own that signals may carry, or a pattern such as 'shop.*'; repeat it for more",
    )
    check.add_argument("--all", action="store_true", help="check other libraries' signals, too, as far as declared")
    check.add_argument(
        "--signal", type=Signal, choices=list(Signal), metavar="SIGNAL", help=_signal_help(), default=None
    )
    listen = parser.add_argument_group("options of --listen")
    listen.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    listen.add_argument("--http-port", type=int, default=4318, metavar="PORT", help="default: 4318; 0 takes a free one")
    listen.add_argument("--grpc-port", type=int, default=4317, metavar="PORT", help="default: 4317; 0 takes a free one")
    listen.add_argument("--for", type=float, dest="seconds", metavar="SECONDS", help="end by itself")
    parser.set_defaults(refuse=parser.error)


def _signal_help() -> str:
    names = ", ".join(signal.value for signal in Signal)
    return f"the file is one export request in protobuf, of this signal: {names}"


def run(args: argparse.Namespace) -> int:
    """Examine what was asked for, print the report and return the exit code."""
    if args.signal is not None and args.check is None:
        args.refuse("--signal says what the file of --check is")
    if args.seconds is not None and not args.listen:
        args.refuse("--for says how long to --listen")
    if args.check is not None:
        return doctor_check.check_file(args)
    if args.listen:
        return doctor_check.listen(args)
    from otelml.cli import doctor_environment  # brings in the SDK, which a check does without

    return doctor_environment.examine(as_json=args.format == "json")
