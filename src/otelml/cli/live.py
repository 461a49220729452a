"""The tables of a store in the terminal, kept current until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from otelml.viewer import terminal
from otelml.viewer.store import TelemetryStore

_REFRESH_SECONDS = 1.0


def show_until_interrupted(console: Console, store: TelemetryStore, heading: str) -> None:
    """Show what the store holds, every second anew, until SIGINT or SIGTERM; then print it a last time.

    Where the output is no terminal there is nothing to refresh, and only the last state is printed.
    """
    with _interruption() as interrupted:
        if console.is_terminal:
            with Live(console=console, screen=True, auto_refresh=False) as live:
                while not interrupted.is_set():
                    live.update(Group(Text(heading, style="dim"), terminal.dashboard(store)), refresh=True)
                    interrupted.wait(_REFRESH_SECONDS)
        else:
            console.print(heading, soft_wrap=True)
            interrupted.wait()
    console.print(terminal.dashboard(store))


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    interrupted = threading.Event()
    before = {number: signal.signal(number, lambda *_: interrupted.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
