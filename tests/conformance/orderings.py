"""Every order in which an application may enable, import, define, wrap and disable.

Each scenario has a process of its own.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from otelml import _guard
from tests.conformance.forks import Scenario
from tests.conformance.hook import Hook
from tests.support.telemetry import Telemetry


@contextmanager
def _checked_telemetry() -> Iterator[Telemetry]:
    """Providers of a scenario: a contained fault raises, and what was emitted is live-checked."""
    _guard.raise_faults = True
    telemetry = Telemetry()
    yield telemetry
    telemetry.verify(telemetry.requests())
    telemetry.close()
    assert telemetry.complaints == []


def _functions(case: Hook) -> list[tuple[Any, str, Any]]:
    return [(owner, name, vars(owner).get(name)) for owner, name in case.sites()]


def _changed(before: list[tuple[Any, str, Any]]) -> list[bool]:
    return [vars(owner).get(name) is not function for owner, name, function in before]


def _calls(case: Hook, telemetry: Telemetry) -> float:
    return telemetry.total(case.calls.name)


def enabled_before_import(case: Hook) -> None:
    """Enabling imports nothing; the library's import is then seen."""
    with _checked_telemetry() as telemetry:
        case.make_instrumentor().instrument(**telemetry.providers)
        assert case.library not in sys.modules
        case.load()
        case.call(case.subject())
        assert _calls(case, telemetry) == 1


def enabled_after_import(case: Hook) -> None:
    """What is imported and made before enabling is seen: every site is replaced."""
    subject, own, before = case.subject(), case.define(), _functions(case)
    with _checked_telemetry() as telemetry:
        case.make_instrumentor().instrument(**telemetry.providers)
        assert before
        assert all(_changed(before))
        case.call(subject)
        assert _calls(case, telemetry) == 1
        case.call(own)
        assert _calls(case, telemetry) == 2


def defined_after_enabling(case: Hook) -> None:
    """A class that the application defines later is seen."""
    with _checked_telemetry() as telemetry:
        case.make_instrumentor().instrument(**telemetry.providers)
        case.call(case.define())
        assert _calls(case, telemetry) == 1


def enabled_twice(case: Hook) -> None:
    """The second time changes nothing, with other providers neither: each call counts once, where it counted before."""
    with _checked_telemetry() as first, _checked_telemetry() as second:
        instrumentor = case.make_instrumentor()
        instrumentor.instrument(**first.providers)
        once = _functions(case)
        for telemetry in (first, second):
            instrumentor.instrument(**telemetry.providers)
            assert not any(_changed(once))
        case.call(case.subject())
        assert (_calls(case, first), _calls(case, second)) == (1, 0)


def disabled(case: Hook) -> None:
    """Disabling puts the identical functions back, in the library's classes and in the application's."""
    early, before = case.define(), _functions(case)
    with _checked_telemetry() as telemetry:
        instrumentor = case.make_instrumentor()
        instrumentor.instrument(**telemetry.providers)
        late = case.define()
        case.call(late)
        instrumentor.uninstrument()
        assert not any(_changed(before))
        for subject in (case.subject(), early, late):
            case.call(subject)
        assert _calls(case, telemetry) == 1
        instrumentor.uninstrument()
        assert not any(_changed(before))


def disabled_before_import(case: Hook) -> None:
    """What was enabled and disabled before the import leaves no trace in the library."""
    with _checked_telemetry() as telemetry:
        instrumentor = case.make_instrumentor()
        instrumentor.instrument(**telemetry.providers)
        instrumentor.uninstrument()
        case.load()
        module = instrumentor.__module__.rpartition(".")[0]
        assert not [f"{owner}.{name}" for owner, name, function in _functions(case) if _is_ours(function, module)]
        case.call(case.subject())
        assert _calls(case, telemetry) == 0


def _is_ours(function: Any, package: str) -> bool:
    code = getattr(getattr(function, "fn", function), "__code__", None)
    return code is not None and package.replace(".", "/").rpartition("/")[0] in code.co_filename.replace("\\", "/")


def enabled_again(case: Hook) -> None:
    """After disabling, enabling works again, for what was defined meanwhile as well, and the counts go on."""
    with _checked_telemetry() as telemetry:
        instrumentor = case.make_instrumentor()
        instrumentor.instrument(**telemetry.providers)
        case.call(case.subject())
        instrumentor.uninstrument()
        meanwhile = case.define()
        case.call(meanwhile)
        assert _calls(case, telemetry) == 1
        instrumentor.instrument(**telemetry.providers)
        case.call(case.subject())
        assert _calls(case, telemetry) == 2
        case.call(meanwhile)
        assert _calls(case, telemetry) == 3


def enabled_again_elsewhere(case: Hook) -> None:
    """Other providers get what happens from then on, the first ones nothing more."""
    with _checked_telemetry() as first, _checked_telemetry() as second:
        instrumentor = case.make_instrumentor()
        instrumentor.instrument(**first.providers)
        case.call(case.subject())
        instrumentor.uninstrument()
        instrumentor.instrument(**second.providers)
        case.call(case.subject())
        case.call(case.subject())
        assert (_calls(case, first), _calls(case, second)) == (1, 2)


def wrapped_before_us(case: Hook) -> None:
    """Functions that somebody else wrapped first are theirs again after disabling, and are called meanwhile."""
    seen: list[str] = []
    theirs = _wrap_all(case, seen)
    with _checked_telemetry() as telemetry:
        instrumentor = case.make_instrumentor()
        instrumentor.instrument(**telemetry.providers)
        case.call(case.subject())
        assert seen
        assert _calls(case, telemetry) == 1
        instrumentor.uninstrument()
        assert not any(_changed(theirs))


def wrapped_after_us(case: Hook) -> None:
    """Disabling leaves functions alone that somebody wrapped after us; enabling again counts their calls once."""
    seen: list[str] = []
    with _checked_telemetry() as telemetry:
        instrumentor = case.make_instrumentor()
        instrumentor.instrument(**telemetry.providers)
        theirs = _wrap_all(case, seen)
        case.call(case.subject())
        instrumentor.uninstrument()
        assert not any(_changed(theirs))
        seen.clear()
        case.call(case.subject())
        assert seen
        assert _calls(case, telemetry) == 1
        instrumentor.instrument(**telemetry.providers)
        case.call(case.subject())
        assert _calls(case, telemetry) == 2


def _wrap_all(case: Hook, seen: list[str]) -> list[tuple[Any, str, Any]]:
    wrapped = []
    for owner, name, function in _functions(case):
        if hasattr(function, "__code__"):
            wrapper = _noting(function, seen)
            setattr(owner, name, wrapper)
            wrapped.append((owner, name, wrapper))
    assert wrapped
    return wrapped


def _noting(function: Callable[..., Any], seen: list[str]) -> Callable[..., Any]:
    @functools.wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        seen.append(function.__qualname__)
        return function(*args, **kwargs)

    return noted


BEFORE_IMPORT: tuple[Scenario, ...] = (enabled_before_import, disabled_before_import)
AFTER_IMPORT: tuple[Scenario, ...] = (
    enabled_after_import,
    defined_after_enabling,
    enabled_twice,
    disabled,
    enabled_again,
    enabled_again_elsewhere,
    wrapped_before_us,
    wrapped_after_us,
)
