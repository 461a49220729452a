"""The guard: the only place where an exception is swallowed."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from otelml import _guard
from otelml._guard import fault_counts, guarded

pytestmark = pytest.mark.usefixtures("contained_faults")


@guarded
def divide(numerator: float, *, by: float) -> float:
    """Divide."""
    return numerator / by


@guarded
def raise_this(error: BaseException) -> None:
    """Raise."""
    raise error


def site(function: str) -> str:
    """The site under which the guard knows a function of this module."""
    return f"{__name__}.{function}"


@pytest.fixture(autouse=True)
def _nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_guard, "_counts", {})


@pytest.fixture
def broken_handler() -> Iterator[logging.Handler]:
    """A handler of the application that fails."""

    class Broken(logging.Handler):
        calls = 0

        def emit(self, record: logging.LogRecord) -> None:
            self.calls += 1
            raise OSError("no space left on device")

    handler = Broken()
    logging.getLogger("otelml").addHandler(handler)
    yield handler
    logging.getLogger("otelml").removeHandler(handler)


def test_without_a_fault_nothing_changes(caplog: pytest.LogCaptureFixture) -> None:
    """The arguments and the result go through, and nothing is logged or counted."""
    assert divide(6, by=3) == 2
    assert fault_counts() == {}
    assert not caplog.records


def test_fault_becomes_one_log_line_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    """A site that fails again and again is logged once with its traceback, and counted each time."""
    assert [divide(1, by=0) for _ in range(5)] == [None] * 5
    assert fault_counts() == {(site("divide"), "ZeroDivisionError"): 5}
    (record,) = caplog.records
    assert record.name == "otelml"
    assert record.levelno == logging.WARNING
    assert site("divide") in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_another_site_or_type_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    """Each pair of a site and an exception type has its line and its count."""
    divide(1, by=0)
    divide("a", by=1)  # type: ignore[arg-type]
    raise_this(ZeroDivisionError())
    assert len(caplog.records) == len(fault_counts()) == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_what_is_no_fault_passes(error: BaseException) -> None:
    """What ends a program or a generator is the application's, and goes through."""
    with pytest.raises(type(error)) as raised:
        raise_this(error)
    assert raised.value is error
    assert fault_counts() == {}


def test_broken_log_handler_is_survived(broken_handler: logging.Handler) -> None:
    """A handler that fails on our line does not turn a contained fault into the application's."""
    assert divide(1, by=0) is None
    assert broken_handler.calls == 1  # type: ignore[attr-defined]
    assert fault_counts() == {(site("divide"), "ZeroDivisionError"): 1}


def test_exception_without_a_text_is_survived() -> None:
    """A fault whose text cannot be made is contained like any other."""

    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    raise_this(Unspeakable())
    assert sum(fault_counts().values()) == 1


def test_many_sites_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """The memory for faults is bounded, and so is the number of lines."""
    for number in range(300):
        raise_this(type(f"Error{number}", (Exception,), {})())
    assert len(fault_counts()) == len(caplog.records) == 200


def test_no_count_is_lost_between_threads() -> None:
    """Faults of several threads at once are all counted."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [divide(1, by=0) for _ in range(2000)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert fault_counts() == {(site("divide"), "ZeroDivisionError"): 16_000}
