"""Runs scenarios in processes of their own, forked from one that has imported everything but the library under test.

    python -m tests.conformance.forks <module with scenarios> <hook>

prints, as JSON, what went wrong in each scenario: an empty string, or a traceback.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import traceback
from importlib import import_module
from typing import Protocol

from tests.conformance.hook import Hook, hook


class Scenario(Protocol):
    """A function of the module."""

    __name__: str

    def __call__(self, case: Hook) -> None:
        """Raise when something is wrong."""


def run_scenarios(module: str, hook_name: str) -> dict[str, str]:
    """Run all scenarios of a module for a hook.

    Args:
        module: a module with functions that take a `Hook` and raise when something is wrong: `BEFORE_IMPORT`,
            and `AFTER_IMPORT` for those that find the library imported.
        hook_name: the hook.

    Returns:
        The traceback by scenario, empty where nothing went wrong.
    """
    command = [sys.executable, "-m", "tests.conformance.forks", module, hook_name]
    path = os.pathsep.join(path for path in sys.path if path)
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    results: dict[str, str] = json.loads(run.stdout.splitlines()[-1])
    return results


def _forked(scenario: Scenario, case: Hook) -> str:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        failure = ""
        try:
            scenario(case)
        except BaseException:
            failure = traceback.format_exc()
        with os.fdopen(writer, "w") as answer:
            answer.write(failure)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        failure = answer.read()
    _, status = os.waitpid(child, 0)
    return failure or ("" if status == 0 else f"the process died with status {status}")


def main() -> None:
    """Run the scenarios named on the command line."""
    scenarios = import_module(sys.argv[1])
    case = hook(sys.argv[2])
    for module in case.preload:
        with contextlib.suppress(ImportError):  # not every version of the library needs all of them
            import_module(module)
    if case.library in sys.modules:
        raise SystemExit(f"{case.library} is imported before any scenario")
    results = {scenario.__name__: _forked(scenario, case) for scenario in scenarios.BEFORE_IMPORT}
    case.load()
    results |= {scenario.__name__: _forked(scenario, case) for scenario in scenarios.AFTER_IMPORT}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
