"""Programs that differ in what is switched on, in one process, turn by turn.

Two processes of the same program differ by 1 or 2% for as long as they live, by how their memory is laid out. What is
to be told apart more closely is measured here: in each round every variant has one short turn, in random order, and is
compared with another one of that round by the CPU time of the thread.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping
from time import thread_time_ns
from typing import Any, NamedTuple

from benchmarks.harness import Contender, Size, Spread, measure
from benchmarks.subject import Facts, Subject


class Variant(NamedTuple):
    """A program.

    Attributes:
        call: what is timed.
        begin: what is called before every turn.
        end: what is called after it.
    """

    call: Callable[[Any], object]
    begin: Callable[[], object] = bool
    end: Callable[[], object] = bool


class Turns(NamedTuple):
    """The CPU time of a call, in ns, by variant and round."""

    of: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        """Of a variant."""
        return statistics.median(self.of[name])

    def ratio(self, name: str, to: str) -> Spread:
        """To another variant."""
        return _median([one / other for one, other in zip(self.of[name], self.of[to], strict=True)])

    def added(self, name: str, to: str) -> Spread:
        """More than another variant, in ns."""
        return _median([one - other for one, other in zip(self.of[name], self.of[to], strict=True)])


def subject(variants: Mapping[str, Variant], calls: int, warm_up: int = 1) -> Subject:
    """A round of turns, as one call.

    Args:
        variants: by name.
        calls: that a turn times.
        warm_up: how many untimed ones go before them.
    """
    turns: dict[str, list[float]] = {name: [] for name in variants}
    order = random.Random(0)

    def turn(variant: Variant) -> float:
        variant.begin()
        for _ in range(warm_up):
            variant.call(None)
        began = thread_time_ns()
        for _ in range(calls):
            variant.call(None)
        took = thread_time_ns() - began
        variant.end()
        return took / calls

    def round_of_turns(_: Any) -> None:
        for name in order.sample(list(variants), len(variants)):
            turns[name].append(turn(variants[name]))

    def facts() -> Facts:
        return {"turns": turns}

    return Subject(round_of_turns, facts=facts)


def rounds(maker: str, options: Mapping[str, Any], count: int) -> Turns:
    """Run a subject of variants in a process of its own.

    Args:
        maker: where it is made, as `module:function`.
        options: what that function is called with.
        count: number of rounds; a tenth more go before them.
    """
    first = count // 10 + 1
    told = measure([Contender("alternating", maker, options)], Size(1, 1, count, first)).facts["alternating"]["turns"]
    return Turns({name: values[-count:] for name, values in told.items()})


def _median(values: list[float]) -> Spread:
    """The median, with the order statistics that enclose it with 95% confidence (by the normal approximation)."""
    ordered, half = sorted(values), 0.98 * len(values) ** 0.5
    middle = len(ordered) / 2
    lower, upper = max(int(middle - half), 0), min(int(middle + half), len(ordered) - 1)
    return Spread(statistics.median(ordered), ordered[lower], ordered[upper])
