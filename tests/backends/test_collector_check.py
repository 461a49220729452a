"""Bad Collector configs are refused with file, line and reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import collector_check
import pytest

from tests.backends.running import CONFIGS

SCRIPT = Path(collector_check.__file__)
GATEWAY = CONFIGS / "gateway.yaml"
MIMIR = CONFIGS / "exporters" / "mimir.yaml"


@pytest.fixture
def collector() -> Path:
    """The Collector that validates."""
    found = collector_check.find_collector()
    if found is None:
        pytest.skip("no Collector here: `make collector` builds one")
    return found


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the check as a command, with nothing else in its environment."""
    variables = {"HOME": str(Path.home()), **environment}
    parts = [sys.executable, str(SCRIPT), *map(str, command)]
    return subprocess.run(parts, env=variables, capture_output=True, text=True, check=False)


def changed(folder: Path, file: Path, before: str, after: str) -> tuple[Path, int]:
    """A copy of a config with something changed, and the line of the change."""
    text = file.read_text()
    assert text.count(before) == 1, before
    copy = folder / file.name
    copy.write_text(text.replace(before, after))
    return copy, text[: text.index(before)].count("\n") + 1


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("    check_interval: 1s", "    check_intervall: 1s", "memory_limiter has no key 'check_intervall'"),
        ("    decision_wait:", "    decision_weight:", "tail_sampling has no key 'decision_weight'"),
        ("  nop: #", "  datadgo: #", 'unknown type: "datadgo"'),
        ("max_recv_msg_size_mib: 16", "max_recv_msg_size: 16", "otlp has no key 'max_recv_msg_size'"),
        ("metrics: {receivers: [otlp]", "metrics: {receivers: [oltp]", 'references receiver "oltp" which is not'),
        ("logs/nowhere: {receivers: [forward], exporters: [nop]}", "logs/nowhere: [forward]", "expected a map"),
    ],
)
def test_a_wrong_key_or_component_is_refused(
    before: str, after: str, reason: str, tmp_path: Path, collector: Path
) -> None:
    """A key or a component that doesn't exist, or a wrong kind of value, is named with its file and line."""
    file, line = changed(tmp_path, GATEWAY, before, after)
    problems = collector_check.check([file], collector)
    assert any((it.file, it.line) == (file, line) and reason in it.reason for it in problems), problems


def test_a_missing_secret_is_refused(collector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable without a default that is not set is named, with what it is for."""
    monkeypatch.delenv("MIMIR_URL", raising=False)
    (problem,) = collector_check.check([GATEWAY, MIMIR], collector)
    assert problem.file == MIMIR
    assert "${env:MIMIR_URL}" in MIMIR.read_text().splitlines()[problem.line - 1]
    assert problem.reason == "MIMIR_URL is not set: such as http://mimir:8080"


def test_what_is_no_yaml_is_refused(tmp_path: Path, collector: Path) -> None:
    """YAML that can't be read, a key that is there twice and a file that is no mapping are named with their line."""
    broken, twice, text = tmp_path / "broken.yaml", tmp_path / "twice.yaml", tmp_path / "text.yaml"
    broken.write_text("exporters:\n  nop: [\n")
    twice.write_text("exporters:\n  nop:\n  nop:\n")
    text.write_text("exporters\n")
    found = collector_check.check([broken, twice, text], collector)
    assert [(it.file, it.line) for it in found] == [(broken, 3), (twice, 3), (text, 1)]


def test_the_command_says_where_everything_goes(collector: Path) -> None:
    """The command exits with 0 and shows the backends, and with 1 and the problems on a config that would not work."""
    command: list[str | Path] = ["--collector", collector, GATEWAY, MIMIR]
    good = run(*command, MIMIR_URL="http://mimir")
    assert good.returncode == 0, good.stderr
    assert good.stdout.splitlines()[1] == "metrics -> otlp_http/mimir"
    assert "nowhere" in good.stdout.splitlines()[0]
    bad = run(*command)
    assert bad.returncode == 1
    assert bad.stderr.startswith(f"{MIMIR}:")


def test_the_command_names_a_file_that_is_not_there(tmp_path: Path, collector: Path) -> None:
    """A file that does not exist is an error of its own, not a traceback."""
    done = run("--collector", collector, tmp_path / "none.yaml")
    assert (done.returncode, done.stderr) == (2, f"{tmp_path / 'none.yaml'}: No such file or directory\n")
