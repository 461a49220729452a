"""Which calls were counted."""

from __future__ import annotations

from otelml.monitors.genai import Ledger


def test_responses() -> None:
    """Another teller of a response is refused; the same one is not, nor are responses without an id."""
    ledger = Ledger()
    told = [("r1", "a"), ("r1", "b"), ("r1", "a"), ("r2", "b"), (None, "a"), (None, "b")]
    assert [ledger.admits(*it) for it in told] == [True, False, True, True, True, True]


def test_what_is_shown() -> None:
    """A response's cost is on no span until one is told of, and on one from then on."""
    ledger = Ledger()
    ledger.admits("r", "a")
    assert [ledger.shown("r"), ledger.shown("r"), ledger.shown("unheard of"), ledger.shown(None)] == [
        False,
        True,
        False,
        False,
    ]


def test_memory_is_bounded() -> None:
    """Old responses are forgotten."""
    ledger = Ledger()
    for number in range(10_000):
        ledger.admits(str(number), "a")
    assert len(ledger._seen) == 4096
