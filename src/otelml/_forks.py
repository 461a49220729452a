"""Forked children: they have one thread, and a lock that another thread held at the fork stays held for good."""

from __future__ import annotations

import inspect
import os
import weakref
from collections.abc import Callable


def call_in_children(reset: Callable[[], object]) -> None:
    """Call a function first thing in every forked child; a method only as long as its object lives."""
    if not hasattr(os, "register_at_fork"):
        return  # a system without forks
    if not inspect.ismethod(reset):
        os.register_at_fork(after_in_child=reset)
        return
    known = weakref.WeakMethod(reset)
    os.register_at_fork(after_in_child=lambda: (method := known()) and method())
