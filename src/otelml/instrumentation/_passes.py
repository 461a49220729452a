"""Passes over held-out data that a framework announces: what is called in them measures a model, and is no traffic.

PyTorch's hook asks here. A pass runs in the thread that announces it, whatever modules are called there.
"""

from __future__ import annotations

from threading import get_ident

threads: set[int] = set()
"""The threads that are in a pass."""


def begins() -> None:
    """This thread begins a pass."""
    threads.add(get_ident())


def ends() -> None:
    """This thread has ended its pass, if it was in one."""
    threads.discard(get_ident())


def is_here() -> bool:
    """Whether this thread is in a pass."""
    return get_ident() in threads
