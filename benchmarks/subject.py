"""What is measured: one call, again and again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

Facts = dict[str, Any]
"""What a subject tells when it is done; JSON values only."""


def no_facts() -> Facts:
    return {}


@dataclass
class Subject:
    """One call of a contender.

    Attributes:
        call: what is timed.
        argument: what it is called with.
        around: what is entered, untimed, before every `chunk` calls and left after them, such as a request's span.
        chunk: how many calls are made inside one `around`.
        threads: how many threads call at once.
        facts: asked once, when all turns are over.
        durations: nanoseconds of every call so far, where they are kept for a comparison; else None.
    """

    call: Callable[[Any], object]
    argument: Any = None
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    chunk: int = 100
    threads: int = 1
    facts: Callable[[], Facts] = no_facts
    durations: list[int] | None = field(default=None)
