"""What an application can see of the library is the same with the instrumentation as without it."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otelml import settings
from otelml.observations import PROFILE_ATTRIBUTE
from tests.conformance.hook import HOOKS, Hook, hook
from tests.support.telemetry import Telemetry


@pytest.fixture(params=HOOKS)
def case(request: pytest.FixtureRequest) -> Hook:
    """The hook, its library imported, not yet on."""
    found = hook(request.param)
    found.load()
    return found


@pytest.fixture(params=["0%", "100%"])
def instrumented(request: pytest.FixtureRequest, case: Hook, telemetry: Telemetry) -> Iterator[None]:
    """The hook is on, and records nothing or everything of each call: both ways have code of their own."""
    instrumentor = case.make_instrumentor()
    in_force = settings.resolve({"overhead_budget": request.param})
    instrumentor.instrument(settings=in_force, **telemetry.providers)
    yield
    instrumentor.uninstrument()


def _calls(case: Hook, subject: Any) -> Iterator[Callable[[], Any]]:
    # The first call of a subject is always looked at closely.
    for _ in range(3):
        yield lambda: case.call(subject)


@pytest.mark.usefixtures("instrumented")
def test_result_is_the_same_object(case: Hook) -> None:
    """The host gets what its library returned, not a copy and not a proxy."""
    for result in (object(), None, [], (name for name in "ab"), NotImplemented):
        for call in _calls(case, case.returning(result)):
            assert call() is result


@pytest.mark.usefixtures("instrumented")
@pytest.mark.parametrize(
    "error",
    [ValueError("no"), KeyboardInterrupt(), SystemExit(3), GeneratorExit(), StopIteration(1), asyncio.CancelledError()],
    ids=lambda error: type(error).__name__,
)
def test_exception_is_the_same_object(case: Hook, error: BaseException) -> None:
    """The host gets the exception that its library raised, with its arguments, its cause and its context."""
    cause = LookupError("why")
    error.__cause__ = cause
    arguments = error.args
    for call in _calls(case, case.raising(error)):
        with pytest.raises(type(error)) as raised:
            call()
        assert raised.value is error
        assert error.args == arguments
        assert error.__cause__ is cause
        assert error.__context__ is None


@pytest.mark.usefixtures("instrumented")
def test_exception_while_another_is_handled(case: Hook) -> None:
    """The context of an exception is the one that the host was handling."""
    error = ValueError("no")
    for call in _calls(case, case.raising(error)):
        handled = LookupError("first")
        try:
            raise handled
        except LookupError:
            with pytest.raises(ValueError, match="no"):
                call()
        assert error.__context__ is handled
        assert not error.__suppress_context__


@pytest.mark.usefixtures("instrumented")
def test_traceback_ends_where_the_library_raised(case: Hook) -> None:
    """The innermost frame is the library's, and the host's own call is in the traceback."""
    error = ValueError("no")
    for call in _calls(case, case.raising(error)):
        with pytest.raises(ValueError, match="no"):
            call()
        frames = traceback.extract_tb(error.__traceback__)
        error.__traceback__ = None
        assert frames[-1].line == "raise error"
        assert frames[0].name == "test_traceback_ends_where_the_library_raised"


def _seen(case: Hook) -> dict[str, dict[str, Any]]:
    seen = {}
    for owner, name in case.sites():
        function = getattr(owner, name)
        where = owner.__name__ if inspect.ismodule(owner) else f"{owner.__module__}.{owner.__qualname__}"
        seen[f"{where}.{name}"] = {
            "signature": inspect.signature(function),
            "kinds": (inspect.isfunction(function), inspect.ismethod(function), inspect.iscoroutinefunction(function)),
            "names": [getattr(function, it, None) for it in ("__name__", "__qualname__", "__module__", "__doc__")],
            "annotations": getattr(function, "__annotations__", None),
            "in class": (inspect.isfunction(vars(owner)[name]), type(vars(owner)[name]))
            if name in vars(owner)
            else None,
            "dir": [it for it in dir(owner) if it != "__init_subclass__"],
        }
    return seen


def test_functions_look_the_same(case: Hook, telemetry: Telemetry) -> None:
    """Signature, kind, names, docstring and annotations of every replaced function, and the names in its class."""
    subject = case.define()
    before = _seen(case)
    instrumentor = case.make_instrumentor()
    instrumentor.instrument(**telemetry.providers)
    try:
        after = _seen(case)
    finally:
        instrumentor.uninstrument()
    init = {name: after.pop(name) for name in list(after) if name.endswith("__init_subclass__")}
    assert bool(init) == case.subclassing
    assert after
    assert after == {name: before[name] for name in after}
    assert len(before) == len(after) + len(init)
    del subject


def _values(result: Any) -> list[Any]:
    return list(result.tolist() if hasattr(result, "tolist") else result)


@pytest.mark.usefixtures("instrumented")
def test_subjects_are_of_their_classes(case: Hook) -> None:
    """Instances keep their class, and copies of them work."""
    subject = case.subject()
    result = case.call(subject)
    for copied in (copy.copy(subject), copy.deepcopy(subject), pickle.loads(pickle.dumps(subject))):
        assert type(copied) is type(subject)
        assert isinstance(copied, type(subject).__mro__[1])
        assert _values(case.call(copied)) == _values(result)


@pytest.mark.usefixtures("instrumented")
def test_calls_leave_nothing_on_subjects(case: Hook) -> None:
    """A call writes nothing on what was called."""
    subject = case.subject()
    before = pickle.dumps(subject)
    for call in _calls(case, subject):
        call()
        assert pickle.dumps(subject) == before


def test_subjects_made_with_and_without_are_equal(case: Hook, telemetry: Telemetry) -> None:
    """What is made with the instrumentation on has at most one attribute more."""
    without = vars(case.subject()).keys()
    instrumentor = case.make_instrumentor()
    instrumentor.instrument(**telemetry.providers)
    try:
        assert vars(case.subject()).keys() - {PROFILE_ATTRIBUTE} == without
    finally:
        instrumentor.uninstrument()


_WITHOUT_US = """
import json, pathlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("otelml", "opentelemetry", "wrapt"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
folder = pathlib.Path(sys.argv[1])
exec(sys.argv[2])
assert not {"otelml", "opentelemetry"} & sys.modules.keys()
print(json.dumps(results))
"""


@pytest.mark.usefixtures("instrumented")
def test_subjects_work_where_otelml_is_absent(case: Hook, tmp_path: Path) -> None:
    """Whatever way an application hands a subject on, it works in a process without otelml and OpenTelemetry."""
    case.send(tmp_path)
    command = [sys.executable, "-I", "-c", _WITHOUT_US, str(tmp_path), case.receive]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout.splitlines()[-1])
    assert results == _received(case, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= results.keys()


@pytest.mark.usefixtures("instrumented")
def test_handed_on_subjects_are_seen(case: Hook, telemetry: Telemetry, tmp_path: Path) -> None:
    """Where otelml is on, each of their calls counts once."""
    case.send(tmp_path)
    before = telemetry.total(case.calls.name)
    results = _received(case, tmp_path)
    assert telemetry.total(case.calls.name) == before + len(results)


def _received(case: Hook, folder: Path) -> dict[str, Any]:
    namespace: dict[str, Any] = {"folder": folder}
    exec(case.receive, namespace)
    results: dict[str, Any] = namespace["results"]
    return results
