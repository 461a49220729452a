"""Programs that run while tests send to them, each on ports of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from collector_check import Combination

from otelml.cli.children import Server

CONFIGS = Path(__file__).parents[2] / "collector-config" / "collector"
_READY_SECONDS = 300.0
_KINDS = ("receivers", "processors", "exporters", "connectors", "extensions")

Found = TypeVar("Found")


def free_ports(number: int) -> list[int]:
    """Ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def get(url: str, **parameters: str) -> bytes:
    """The body of an answer.

    Raises:
        OSError: there is none, or one that says it went wrong.
    """
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    with urllib.request.urlopen(url + query, timeout=30) as answer:
        body: bytes = answer.read()
        return body


def get_json(url: str, **parameters: str) -> Any:
    """The same, as JSON."""
    return json.loads(get(url, **parameters))


def eventually(look: Callable[[], Found], holds: Callable[[Found], bool], seconds: float = 30.0) -> Found:
    """What `look` finds once it holds, or else the last that it found."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if holds(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


class Program(Server):
    """A program that answers at `url` once it is ready."""

    def __init__(self, command: Sequence[object], log: Path, url: str, environment: Mapping[str, str] = {}) -> None:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OTELML_"))}
        super().__init__([str(part) for part in command], {**plain, **environment}, log)
        self.url = url

    def await_ready(self, path: str) -> None:
        """Wait until the program answers.

        Raises:
            AssertionError: it stopped, or doesn't answer in time; with the end of what it said.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                get(self.url + path)
                return
            except OSError:
                stopped = self.process.poll() is not None
                assert not stopped, f"{self.log.name} stopped:\n{self.log.read_text()[-3000:]}"
                assert time.monotonic() < deadline, f"no answer from {self.url}:\n{self.log.read_text()[-3000:]}"
                time.sleep(0.1)


def runnable(files: Sequence[Path], collector: Path, folder: Path) -> tuple[list[Path], set[str]]:
    """Leave out what a Collector doesn't have.

    Args:
        files: the configs.
        collector: the one that is to run them.
        folder: where a config may be written.

    Returns:
        The configs to start it with, and the names of the components that are left out of them.
    """
    merged: dict[str, Any] = Combination(files).merged
    listed = subprocess.run([str(collector), "components"], capture_output=True, text=True, check=True).stdout
    components = {kind: {it["name"] for it in yaml.safe_load(listed)[kind] or ()} for kind in _KINDS}
    absent = {name for kind in _KINDS for name in merged.get(kind) or () if name.split("/")[0] not in components[kind]}
    if not absent:
        return list(files), absent
    for kind in _KINDS:
        merged[kind] = {name: settings for name, settings in (merged.get(kind) or {}).items() if name not in absent}
    service = merged["service"]
    service["extensions"] = [name for name in service["extensions"] if name not in absent]
    for pipeline in service["pipelines"].values():
        for part, names in pipeline.items():
            pipeline[part] = [name for name in names if name not in absent]
    reduced = folder / "reduced.yaml"
    reduced.write_text(yaml.safe_dump(merged, sort_keys=False, width=1000))
    return [reduced], absent
