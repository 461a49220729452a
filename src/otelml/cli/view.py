"""``otelml view``: an OTLP endpoint on this machine, and what arrives at it in the terminal."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console

from otelml.cli.children import exporting_to
from otelml.cli.live import show_until_interrupted
from otelml.viewer import terminal
from otelml.viewer.receiver import OtlpReceiver
from otelml.viewer.store import TelemetryStore

_HTTP_PORT = 4318
_GRPC_PORT = 4317
_LAST_PORT = 65535
_COULD_NOT_RUN = 127


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.usage = "otelml view [-h] [--host HOST] [--http-port PORT] [--grpc-port PORT] [-- CMD ...]"
    parser.description = (
        "Receives OTLP and shows the calls of models in the terminal until Ctrl-C. With a command after --, runs that "
        "command with its telemetry exported to here, shows what arrived and exits with the command's code."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    for option, port in (("--http-port", _HTTP_PORT), ("--grpc-port", _GRPC_PORT)):
        parser.add_argument(
            option, type=_port, metavar="PORT", help=f"0 takes a free one (default: {port}; with a command, a free one)"
        )
    parser.add_argument("command", nargs="*", metavar="CMD", help="the command to run, after --")


def run(args: argparse.Namespace) -> int:
    """Receive and show; return the exit code."""
    console = Console()
    store = TelemetryStore()
    receiver = OtlpReceiver(
        store.add,
        host=args.host,
        http_port=_given(args.http_port, 0 if args.command else _HTTP_PORT),
        grpc_port=_given(args.grpc_port, 0 if args.command else _GRPC_PORT),
    )
    try:
        receiver.start()
    except OSError as error:
        print(f"otelml view: {error}. --http-port 0 --grpc-port 0 take free ports.", file=sys.stderr)
        return 1
    try:
        if args.command:
            try:
                code = _run(args.command, exporting_to(receiver, os.environ))
            except OSError as error:
                print(f"otelml view: can't run {args.command[0]}: {error.strerror}", file=sys.stderr)
                return _COULD_NOT_RUN
            console.print(terminal.dashboard(store))
            return code
        heading = f"OTLP/HTTP at {receiver.http_endpoint}, OTLP/gRPC at {receiver.grpc_endpoint}. Ctrl-C ends."
        show_until_interrupted(console, store, heading)
        return 0
    finally:
        receiver.stop()


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"a port is between 0 and {_LAST_PORT}")
    return port


def _given(port: int | None, default: int) -> int:
    return default if port is None else port


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command to its end and return its exit code as a shell would."""
    process = subprocess.Popen(command, env=environment)
    # Ctrl-C reaches the command, too, which decides what to make of it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    return code if code >= 0 else 128 - code
