"""The Collector with gateway.yaml and exporter files, as a process."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.backends.prepare import PROGRAMS
from tests.backends.running import CONFIGS, Program, free_ports, runnable


@dataclass(frozen=True)
class Gateway:
    """A running Collector.

    Attributes:
        http: its address for OTLP/HTTP.
        grpc: its host and port for OTLP/gRPC.
        telemetry: the address of its metrics about itself.
        process: its id.
        left_out: the components of gateway.yaml that this Collector doesn't have.
    """

    http: str
    grpc: str
    telemetry: str
    process: int
    left_out: set[str]


def start_gateway(
    stack: ExitStack, exporters: Sequence[str], environment: dict[str, str], folder: Path, scrape: Sequence[str] = ()
) -> Gateway:
    """Start the Collector with gateway.yaml and the files of exporters and scrapers, contrib if it is on the PATH.

    Raises:
        Unavailable: there is no Collector.
    """
    contrib = shutil.which("otelcol-contrib")
    collector = Path(contrib) if contrib else PROGRAMS["otelcol"].find()
    files = [CONFIGS / "gateway.yaml", *(CONFIGS / "exporters" / f"{name}.yaml" for name in exporters)]
    files += [CONFIGS / "scrape" / f"{name}.yaml" for name in scrape]
    configs, left_out = runnable(files, collector, folder)
    http, grpc, telemetry, health = free_ports(4)
    own = {
        "GATEWAY_HTTP": f"127.0.0.1:{http}",
        "GATEWAY_GRPC": f"127.0.0.1:{grpc}",
        "GATEWAY_TELEMETRY_HOST": "127.0.0.1",
        "GATEWAY_TELEMETRY_PORT": str(telemetry),
        "GATEWAY_HEALTH": f"127.0.0.1:{health}",
        "QUEUE_DIRECTORY": str(folder / "queue"),
        "SAMPLING_WAIT": "1s",
        "SAMPLING_PERCENTAGE": "100",
        **({"QUEUE_STORAGE": "null"} if "file_storage/queue" in left_out else {}),
    }
    command = [str(collector), *(f"--config={file}" for file in configs)]
    program = Program(command, folder / "log", f"http://127.0.0.1:{telemetry}", {**own, **environment})
    stack.enter_context(program)
    program.await_ready("/metrics")
    return Gateway(f"http://127.0.0.1:{http}", f"127.0.0.1:{grpc}", program.url, program.process.pid, left_out)
