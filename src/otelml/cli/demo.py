"""``otelml demo``: a churn model trained and served under ``opentelemetry-instrument``, and what arrived of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from otelml.cli.demo_checks import Check, arrived, settled
from otelml.cli.demo_example import ChurnExample, DemoError
from otelml.cli.live import show_until_interrupted
from otelml.viewer import terminal
from otelml.viewer.receiver import OtlpReceiver
from otelml.viewer.store import TelemetryStore
from otelml.viewer.terminal_monitoring import features_sentence

_EXAMPLE = Path("examples", "churn_flask")
_PATIENCE_SECONDS = 15
_INTERRUPTED = 130

_REQUESTS = 250
"""Nine in ten are rows that the model predicts: the shortest window, of 200, is full before the customers change."""

_ELSEWHERE = """\
The same to your own backend (any OTLP endpoint; gRPC is at port 4317 as a rule):
  export OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
  export OTEL_SERVICE_NAME=churn-api
  opentelemetry-instrument python app.py"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--keep", action="store_true", help="keep serving, with a live view, until Ctrl-C")
    parser.add_argument(
        "--requests",
        type=_positive,
        default=_REQUESTS,
        metavar="N",
        help="requests to send; a fifth more follow, of customers who have changed (default: %(default)s, the fewest "
        "that show drift)",
    )
    parser.add_argument(
        "--example", type=Path, default=_EXAMPLE, metavar="DIR", help="the example's folder (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo; return 0 if all the telemetry of what was sent has arrived."""
    console = Console(highlight=False)
    # A request has two spans; none may go before they are counted.
    store = TelemetryStore(max_spans=6 * args.requests + 1000, max_logs=3 * args.requests + 1000)
    try:
        with tempfile.TemporaryDirectory(prefix="otelml-demo-") as folder, OtlpReceiver(store.add) as receiver:
            example = ChurnExample(args.example.resolve(), Path(folder), receiver)
            console.print(
                f"A churn model is trained and served; the telemetry goes to {receiver.http_endpoint}.\n",
                soft_wrap=True,
            )
            checks = _run(console, store, example, args.requests, keep=args.keep)
    except DemoError as error:
        print(f"otelml demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    console.print(Text(f"\n{_ELSEWHERE}\n"), soft_wrap=True)
    return _conclude(console, checks)


def _run(
    console: Console, store: TelemetryStore, example: ChurnExample, requests: int, *, keep: bool
) -> Sequence[Check]:
    with console.status("training"):
        said = example.train()
    _report(console, "opentelemetry-instrument python train.py", said)
    with console.status("starting the server"):
        server = example.serve()
    with server:
        _report(console, "opentelemetry-instrument python app.py", f"serving at {example.url}")
        with console.status("sending requests"):
            said = example.send(requests)
            found = settled(store, _PATIENCE_SECONDS if requests >= _REQUESTS else 0)
        _report(console, f"python traffic.py --requests {requests}", said)
        if found:
            console.print(Text.assemble("  drift: ", features_sentence(found)))
        more = -(-requests * 6 // 5)
        with console.status("sending requests of customers who have changed"):
            said = example.send(more, changed=True)
        _report(console, f"python traffic.py --requests {more} --changed", said)
        to_find = example.changed if requests >= _REQUESTS else ()
        if not keep:
            with console.status("stopping the server, which sends what is left of its telemetry"):
                server.stop()
            console.print(terminal.dashboard(store))
            return arrived(store, example.answers, to_find)
        with console.status("waiting for the telemetry"):
            checks = arrived(store, example.answers, to_find, _PATIENCE_SECONDS)
        show_until_interrupted(console, store, f"Ctrl-C ends. To send one more customer:\n{example.curl()}")
        return checks


def _report(console: Console, command: str, said: str) -> None:
    console.print(Text.assemble(("$ ", "dim"), (command, "bold")))
    console.print(Text("\n".join(f"  {line}" for line in said.splitlines()), style="dim"), soft_wrap=True)


def _conclude(console: Console, checks: Sequence[Check]) -> int:
    wrong = [check for check in checks if not check.holds]
    if wrong:
        found = "; ".join(map(str, wrong))
        line = Text.assemble(("The telemetry is not complete: ", "bold red"), found)
    else:
        found = ", ".join(map(str, checks))
        line = Text.assemble(("All telemetry arrived: ", "bold green"), found)
    console.print(line, soft_wrap=not console.is_terminal)
    return 1 if wrong else 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
