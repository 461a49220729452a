"""Processes that a command starts, and the environment that makes them export to its receiver."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from otelml.viewer.receiver import OtlpReceiver

_STOP_SECONDS = 15
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
_SIGNALS = ("TRACES", "METRICS", "LOGS")


def exporting_to(receiver: OtlpReceiver, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with all three signals exported to a receiver that takes both protocols.

    A protocol that the environment names is kept; settings for single signals would lead past the receiver and go.
    """
    result = {
        name: value
        for name, value in environment.items()
        if not name.startswith(tuple(f"OTEL_EXPORTER_OTLP_{signal}_" for signal in _SIGNALS))
    }
    result.setdefault(_PROTOCOL, "http/protobuf")
    result[_ENDPOINT] = receiver.grpc_endpoint if result[_PROTOCOL] == "grpc" else receiver.http_endpoint
    result.update({f"OTEL_{signal}_EXPORTER": "otlp" for signal in _SIGNALS})
    # Seen in seconds, not at the end of the SDK's minute.
    result.setdefault("OTEL_METRIC_EXPORT_INTERVAL", "1000")
    result.setdefault("OTEL_BSP_SCHEDULE_DELAY", "500")
    result.setdefault("OTEL_BLRP_SCHEDULE_DELAY", "500")
    for name in ("NO_PROXY", "no_proxy"):
        result[name] = ",".join(filter(None, (result.get(name), "127.0.0.1")))
    return result


def launcher() -> str | None:
    """Return the path of ``opentelemetry-instrument``: the one beside this interpreter, else the first on the path."""
    name = "opentelemetry-instrument"
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


class Server:
    """A process that runs until the end of the ``with`` block, and is asked to stop then; its output goes to a file."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def stop(self) -> int:
        """Ask the process to stop, wait until it has, and return its exit code; one that doesn't listen is killed."""
        self.process.terminate()
        try:
            return self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
