"""The programs that the tests of rules and dashboards run: Prometheus' and VictoriaMetrics' own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.backends.prepare import BACKENDS

ROOT = Path(__file__).parents[2]


def program(name: str) -> str:
    """The path of a program, on PATH or among the project's backends; where it is neither the test is skipped."""
    folders = [os.environ.get("PATH", ""), *map(str, sorted(BACKENDS.glob("*/root/usr/bin")))]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        pytest.skip(f"{name} is not here: `make backends` gets it")
    return found
