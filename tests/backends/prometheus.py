"""A genuine Prometheus that scrapes, every second."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.backends.prepare import PROGRAMS, Unavailable
from tests.backends.running import Program, free_ports


def target(job: str, address: str) -> dict[str, Any]:
    """A scrape job of one target, with or without `http://`."""
    return {"job_name": job, "static_configs": [{"targets": [address.removeprefix("http://")]}]}


def start_prometheus(stack: ExitStack, folder: Path, *jobs: dict[str, Any]) -> str:
    """Start Prometheus with these scrape jobs; its address. The test is skipped if it isn't here."""
    try:
        executable = PROGRAMS["prometheus"].find()
    except Unavailable as reason:
        pytest.skip(str(reason))
    (port,) = free_ports(1)
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": list(jobs)}))
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder}/data", "--enable-feature=exemplar-storage"]
    command = [executable, *options, f"--web.listen-address=127.0.0.1:{port}"]
    program = Program(command, folder / "prometheus.log", f"http://127.0.0.1:{port}")
    stack.enter_context(program)
    program.await_ready("/-/ready")
    return program.url
