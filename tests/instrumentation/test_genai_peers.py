"""Beside other instrumentations of the same client, where they are installed: no second span, and one count."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.instrumentation.genai_peers import CLASSES, PEERS

ROOT = Path(__file__).parents[2]


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("order", ["ours_first", "theirs_first"])
@pytest.mark.parametrize("client", CLASSES)
@pytest.mark.parametrize("peer", PEERS)
def test_one_span_and_one_count(peer: str, client: str, order: str) -> None:
    """Whichever was switched on first; Logfire suppresses what is inside its calls, and counts nothing."""
    if not (_is_installed(PEERS[peer].format(client)) and _is_installed(client)):
        pytest.skip(f"{peer} for {client} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.instrumentation.genai_peers", peer, client, order],
        cwd=ROOT,
        env={**os.environ, "OTEL_SDK_DISABLED": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["spans_of_ours"] == []
    assert told["counts"] == (0 if peer == "logfire" else told["calls"])
