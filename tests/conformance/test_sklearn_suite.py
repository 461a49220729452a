"""scikit-learn's own tests go as they go without the hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conformance.hooks.sklearn import HOOK
from tests.conformance.suite_plugin import FAULTS, OUTCOMES
from tests.conformance.suite_plugin import HOOK as HOOK_VARIABLE

PACKAGES = ("sklearn.linear_model", "sklearn.ensemble", "sklearn.pipeline", "sklearn.tests", "sklearn.model_selection")
NUMBER_OF_TESTS = 10_000
Outcomes = dict[str, list[str]]


def run_suite(folder: Path, tests: Sequence[str], *, hook: str) -> Outcomes:
    """Run tests of scikit-learn's in processes of their own.

    Args:
        folder: where the processes work, without any configuration of ours.
        tests: packages or node ids.
        hook: the instrumentor, empty for none.

    Returns:
        What happened in each test.
    """
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [
        *(sys.executable, "-m", "pytest", "-c", "pytest.ini", "--rootdir", ".", "-p", "tests.conformance.suite_plugin"),
        *("-p", "no:cacheprovider", "-n", "2", "-q", "--tb=no", "--disable-warnings", "--pyargs", *tests),
    ]
    environment = {
        **os.environ,
        OUTCOMES: str(folder / "outcomes.json"),
        HOOK_VARIABLE: hook,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), run.stdout[-5000:] + run.stderr[-5000:]
    faults = [path.read_text() for path in folder.glob(f"*{FAULTS}")]
    assert not faults, f"telemetry faults were contained: {faults}"
    outcomes: Outcomes = json.loads((folder / "outcomes.json").read_text())
    return outcomes


def compared(folder: Path, tests: Sequence[str]) -> tuple[int, Outcomes]:
    """Run tests with and without the hook.

    What went differently is run once more without it, and left out, in words, when it goes differently again.

    Returns:
        The number of tests, and those that differ, with their outcomes.
    """
    without = run_suite(folder / "off", tests, hook="")
    with_hook = run_suite(folder / "on", tests, hook=HOOK.instrumentor)
    names = without.keys() | with_hook.keys()
    different = sorted(name for name in names if without.get(name) != with_hook.get(name))
    if different:
        again = run_suite(folder / "again", different, hook="")
        flaky = [name for name in different if again.get(name) != without.get(name)]
        print(f"flaky without the hook, and left out: {flaky}")
        different = [name for name in different if name not in flaky]
    return len(without), {name: [*without.get(name, ()), "->", *with_hook.get(name, ())] for name in different}


@pytest.mark.slow
def test_suite_of_scikit_learn(tmp_path: Path) -> None:
    """The same tests pass, fail and are skipped with the hook on, and no telemetry fault is contained in them."""
    number, different = compared(tmp_path, PACKAGES)
    assert number > NUMBER_OF_TESTS
    assert different == {}
