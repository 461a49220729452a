"""The only place that swallows an exception.

Telemetry must never reach the application: every telemetry function that runs inside a host's call is wrapped by
`guarded`, which turns a fault into one log line and a count. A function whose return value goes to the host is never
wrapped: a fault would replace the value.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from otelml._forks import call_in_children

_P = ParamSpec("_P")
_R = TypeVar("_R")

_logger = logging.getLogger("otelml")

raise_faults = False
"""Tests set this, so that a swallowed fault fails the test that caused it."""

_MAX_SITES = 200
_counts: dict[tuple[str, str], int] = {}
_lock = threading.RLock()


def guarded(function: Callable[_P, _R]) -> Callable[_P, _R | None]:
    """Contain every `Exception` of a telemetry function, which then returns None.

    `KeyboardInterrupt` and `SystemExit` pass: they are the host's.
    """
    site = f"{function.__module__.removeprefix('otelml.')}.{function.__qualname__}"

    @functools.wraps(function)
    def contained(*args: _P.args, **kwargs: _P.kwargs) -> _R | None:
        try:
            return function(*args, **kwargs)
        except Exception as fault:
            report(site, fault)
            return None

    return contained


def report(site: str, fault: Exception) -> None:
    """Count a contained fault and log it the first time it happens at a site."""
    if raise_faults:
        raise fault
    key = (site, type(fault).__qualname__)
    with _lock:
        first = key not in _counts
        if first and len(_counts) >= _MAX_SITES:
            return
        _counts[key] = _counts.get(key, 0) + 1
    if first:
        try:
            _logger.warning(
                "A telemetry fault in %s was contained. Your code still runs, with less telemetry; "
                "this is logged once, further faults are counted.",
                site,
                exc_info=fault,
            )
        except Exception:
            return  # a broken log handler of the host must not turn our fault into the host's


def fault_counts() -> dict[tuple[str, str], int]:
    """Contained faults so far, by (site, exception type)."""
    with _lock:
        return dict(_counts)


def _reset_in_child() -> None:
    global _lock
    _lock = threading.RLock()
    _counts.clear()


call_in_children(_reset_in_child)
