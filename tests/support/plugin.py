"""The pytest plugin: fixtures that live-check what is emitted, and the coverage of the declared signals."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from otelml import _guard, settings
from otelml.semconv.metrics import ML_TELEMETRY_FAULTS
from otelml.viewer.livecheck import installed_registry
from tests.support import coverage
from tests.support.endpoint import OtlpEndpoint
from tests.support.telemetry import Telemetry

_problems_key = pytest.StashKey[list[str]]()
_WHOLE_RUN = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.startswith(("OTEL_", settings.PREFIX)):
            monkeypatch.delenv(variable)
    monkeypatch.setattr(settings, "_current", None)


@pytest.fixture(autouse=True)
def _raised_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_guard, "raise_faults", True)


@pytest.fixture
def contained_faults(_raised_faults: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telemetry faults are contained, as in an application, for a test that injects some."""
    monkeypatch.setattr(_guard, "raise_faults", False)


@pytest.fixture
def telemetry(request: pytest.FixtureRequest) -> Iterator[Telemetry]:
    """In-memory providers for the code under test; at the end of the test, what was emitted is live-checked."""
    recorded = Telemetry()
    try:
        yield recorded
        requests = recorded.requests()
    finally:
        recorded.close()
    if recorded.complaints:
        pytest.fail(f"the SDK complained: {recorded.complaints}", pytrace=False)
    request.config.stash[coverage.seen_key] |= recorded.verify(requests)


@pytest.fixture
def otlp_endpoint(request: pytest.FixtureRequest) -> Iterator[OtlpEndpoint]:
    """An OTLP endpoint for other processes; at the end of the test, what arrived is live-checked."""
    endpoint = OtlpEndpoint()
    try:
        yield endpoint
    finally:
        endpoint.close()
    faults = endpoint.points(ML_TELEMETRY_FAULTS.name)
    if faults and not endpoint.allows_faults:
        pytest.fail(f"telemetry faults were contained: {faults}", pytrace=False)
    request.config.stash[coverage.seen_key] |= endpoint.verify(endpoint.requests())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch for runs of the whole suite."""
    parser.addoption(
        "--semconv-coverage",
        action="store_true",
        help="fail for declared signals that no test emits, unless planned, and for planned ones that are emitted",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing seen."""
    config.stash[coverage.seen_key] = set()
    config.stash[_problems_key] = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist has seen."""
    coverage.take_from_worker(getattr(node, "workeroutput", None), node.config.stash[coverage.seen_key])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judge the coverage, in the process that knows all of it."""
    config = session.config
    seen = config.stash[coverage.seen_key]
    if coverage.hand_to_controller(config, seen) or not config.getoption("--semconv-coverage"):
        return
    if exitstatus in _WHOLE_RUN and not config.option.collectonly:
        config.stash[_problems_key] = coverage.problems(installed_registry(), seen)
        if config.stash[_problems_key]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what is not covered."""
    found = terminalreporter.config.stash[_problems_key]
    if found:
        terminalreporter.section("semantic conventions not covered by the tests", red=True, bold=True)
        for problem in found:
            terminalreporter.line(problem)
