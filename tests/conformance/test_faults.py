"""Every function of ours is made to raise: the host gets what it would have got, and telemetry goes on afterwards."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from typing import Any

import pytest
from opentelemetry import context, trace

from otelml import settings
from otelml._guard import fault_counts
from otelml.observations import Call
from tests.conformance.conftest import new_monitors
from tests.conformance.faults import Fault, Site, sites
from tests.conformance.hook import HOOKS, Hook, Host, Workload, hook
from tests.support.telemetry import Telemetry


@functools.cache
def _sites(name: str) -> dict[str, Site]:
    case = hook(name)
    return {site.name: site for site in sites(*case.telemetry_modules) if site.name not in case.passthrough}


@functools.cache
def _outcomes(workload: Workload) -> list[str]:
    """What the host gets without telemetry."""
    host = Host(trace.NoOpTracer())
    workload.run(host)
    return [_plain(outcome) for outcome in host.outcomes]


def _plain(outcome: Any) -> str:
    if hasattr(outcome, "tolist"):
        outcome = outcome.tolist()
    return f"{type(outcome)}: {outcome}"


@functools.cache
def _calls(name: str, workload: Workload) -> dict[str, int]:
    """How often each function is called in a workload."""
    with _instrumented(hook(name), workload) as (telemetry, host), ExitStack() as stack:
        for site in _sites(name).values():
            stack.enter_context(site.counting())
        workload.run(host)
        telemetry.requests()
        return {site.name: site.calls for site in _sites(name).values()}


class _Observer:
    def observe(self, call: Call) -> None:
        """Nothing to do."""


@contextmanager
def _instrumented(case: Hook, workload: Workload) -> Iterator[tuple[Telemetry, Host]]:
    telemetry, instrumentor = Telemetry(), case.make_instrumentor()
    telemetry.allow(*case.own_attributes)
    in_force, observers = settings.resolve(workload.settings), (_Observer(),) if workload.observed else ()
    monitors = new_monitors()  # those of another run would know its models already
    instrumentor.instrument(settings=in_force, observers=observers, monitors=monitors, **telemetry.providers)
    try:
        yield telemetry, Host(telemetry.tracer_provider.get_tracer("host"))
        telemetry.verify(telemetry.requests())
    finally:
        instrumentor.uninstrument()
        telemetry.close()
    assert not telemetry.complaints


CASES = [(name, site) for name in HOOKS for site in _sites(name)]


@pytest.mark.parametrize(("name", "site_name"), CASES)
@pytest.mark.usefixtures("contained_faults")
def test_function_that_always_raises(name: str, site_name: str) -> None:
    """The host sees no fault of this function, the fault is counted, and without it the next call has its telemetry."""
    reached = _reached(name, site_name)
    if not reached:
        pytest.skip("no workload calls it")
    _inject(hook(name), next(iter(reached)), _sites(name)[site_name], None)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "site_name"), CASES)
@pytest.mark.usefixtures("contained_faults")
def test_function_that_raises_in_every_workload(name: str, site_name: str) -> None:
    """The same in the other workloads, and in all when only one call raises: the first, or one in the middle."""
    for number, (workload, calls) in enumerate(_reached(name, site_name).items()):
        if number:
            _inject(hook(name), workload, _sites(name)[site_name], None)
        for nth in {1, (calls + 1) // 2}:
            _inject(hook(name), workload, _sites(name)[site_name], nth)


def _reached(name: str, site_name: str) -> dict[Workload, int]:
    case = hook(name)
    case.load()
    return {workload: calls for workload in case.workloads if (calls := _calls(name, workload).get(site_name, 0))}


def _inject(case: Hook, workload: Workload, site: Site, nth: int | None) -> None:
    # In a context of its own: one that is left behind in a test that fails would make the others fail.
    copy_context().run(_inject_here, case, workload, site, nth)


def _inject_here(case: Hook, workload: Workload, site: Site, nth: int | None) -> None:
    expected, faults = _outcomes(workload), _reported()
    with _instrumented(case, workload) as (telemetry, host):
        with site.faulty(nth):
            workload.run(host)
            _assert_same_objects(case)
            telemetry.requests()
        assert [_plain(outcome) for outcome in host.outcomes] == expected
        reached = site.calls >= (nth or 1)  # how many objects die in a workload differs from run to run
        assert _reported() > faults or not reached
        _assert_telemetry_goes_on(case, telemetry, host)


def _reported() -> int:
    return sum(count for (_, error_type), count in fault_counts().items() if error_type == Fault.__qualname__)


def _assert_same_objects(case: Hook) -> None:
    result, error = object(), KeyError("the host's")
    assert case.call(case.returning(result)) is result
    with pytest.raises(KeyError) as raised:
        case.call(case.raising(error))
    assert raised.value is error
    assert error.__cause__ is None
    assert error.__context__ is None
    assert not context.get_current()


def _assert_telemetry_goes_on(case: Hook, telemetry: Telemetry, host: Host) -> None:
    subject = case.define()
    calls, spans = telemetry.total(case.calls.name), len(telemetry.spans)
    with host.request():
        case.call(subject)
    assert telemetry.total(case.calls.name) == calls + 1
    assert len(telemetry.spans) >= spans + 2


@pytest.mark.parametrize("name", HOOKS)
def test_workloads_reach_what_works_in_a_call(name: str) -> None:
    """No file of functions that work in a call is left out by the workloads, so that the faults above are real ones."""
    case = hook(name)
    case.load()
    reached = {site for workload in case.workloads for site, calls in _calls(name, workload).items() if calls}
    files = {site.partition(":")[0] for site in _sites(name)}
    unreached = {file for file in files if not any(site.startswith(f"{file}:") for site in reached)}
    assert not unreached - case.idle_modules
