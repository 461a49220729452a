"""Programs that differ in what is switched on, in one process, turn by turn.

Two processes of the same program differ by 1 or 2% for as long as they live, by how their memory is laid out. What is
to be told apart more closely is measured here: in each round every variant has one short turn, in random order, and is
compared with another one of that round.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.harness import Contender, Size, Spread, Turn, measure
from benchmarks.report import ratio_text
from benchmarks.subject import Facts, Subject
from benchmarks.worker import take_turn

_CPU = "thread_cpu"

HEADER = ["In one process", "us a bare call", "CPU to bare", "p50 to bare", "us added"]
"""Of a table of turns."""


class Variant(NamedTuple):
    """A program.

    Attributes:
        call: what is timed.
        argument: what it is called with.
        begin: what is called before every turn.
        end: what is called after it.
    """

    call: Callable[[Any], object]
    argument: Any = None
    begin: Callable[[], object] = bool
    end: Callable[[], object] = bool


class Turns(NamedTuple):
    """The turns of every variant, one each round; where no statistic is named it is the CPU time of the thread."""

    of: Mapping[str, list[Turn]]

    def median(self, name: str, statistic: str = _CPU) -> float:
        """Of a variant, in ns a call."""
        return statistics.median(turn[statistic] for turn in self.of[name])

    def ratio(self, name: str, to: str = "bare", statistic: str = _CPU) -> Spread:
        """To another variant."""
        return _median([one / other for one, other in self._pairs(name, to, statistic)])

    def added(self, name: str, to: str = "bare", statistic: str = _CPU) -> Spread:
        """More than another variant, in ns a call."""
        return _median([one - other for one, other in self._pairs(name, to, statistic)])

    def _pairs(self, name: str, to: str, statistic: str) -> list[tuple[float, float]]:
        return [(turn[statistic], other[statistic]) for turn, other in zip(self.of[name], self.of[to], strict=True)]

    def rows(self, title: str, names: Sequence[str]) -> list[list[str]]:
        """The cells of `HEADER`."""
        return [self._row(title, name) for name in names]

    def _row(self, title: str, name: str) -> list[str]:
        added = self.added(name)
        return [
            f"{title}, {name}",
            f"{self.median('bare') / 1e3:.1f}",
            *(ratio_text(self.ratio(name, statistic=statistic)) for statistic in (_CPU, "p50")),
            f"{added.median / 1e3:.2f} [{added.lower / 1e3:.2f}, {added.upper / 1e3:.2f}]",
        ]


def subject(variants: Mapping[str, Variant], calls: int, warm_up: int = 1) -> Subject:
    """A round of turns, as one call.

    Args:
        variants: by name.
        calls: that a turn times.
        warm_up: how many untimed ones go before them.
    """
    turns: dict[str, list[Turn]] = {name: [] for name in variants}
    order = random.Random(0)

    def turn(variant: Variant) -> Turn:
        variant.begin()
        taken = take_turn(Subject(variant.call, variant.argument), calls, warm_up)
        variant.end()
        return taken

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
    first, half = count // 10 + 1, (count + 1) // 2  # `measure` goes through them twice
    told = measure([Contender("alternating", maker, options)], Size(1, 1, half, first)).facts["alternating"]["turns"]
    return Turns({name: values[-count:] for name, values in told.items()})


def _median(values: list[float]) -> Spread:
    """The median, with the order statistics that enclose it with 95% confidence (by the normal approximation)."""
    ordered, half = sorted(values), 0.98 * len(values) ** 0.5
    middle = len(ordered) / 2
    lower, upper = max(int(middle - half), 0), min(int(middle + half), len(ordered) - 1)
    return Spread(statistics.median(ordered), ordered[lower], ordered[upper])
