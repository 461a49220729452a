"""Contenders in processes of their own, taking turns in random order, compared round by round.

Every contender runs in fresh processes, so that "bare" was never patched. In each round every contender has one short
turn; a figure is the median over the rounds of its ratio to another contender in the same round, so that a change of
the machine's speed falls out.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent

CACHE = ROOT / ".cache"
"""What takes long to make; git ignores it."""

Turn = Mapping[str, float]


class ContenderFailed(RuntimeError):
    """A contender's process ended early; the message has the end of what it wrote."""


@dataclass(frozen=True)
class Contender:
    """Who is measured.

    Attributes:
        name: what it is called in the tables.
        subject: where its subject is made, as `module:function`.
        options: what that function is called with.
        python: the interpreter.
        environment: variables that its process has besides those of this one.
    """

    name: str
    subject: str
    options: Mapping[str, Any] = field(default_factory=dict)
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)


class Spread(NamedTuple):
    """A figure over the rounds: median and quartiles."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, lower, upper)


@dataclass
class Measurement:
    """What a run gave: the turns of every contender, round by round, and the facts that its last process told."""

    turns: dict[str, list[Turn]]
    facts: dict[str, dict[str, Any]]

    def spread(self, name: str, statistic: str) -> Spread:
        """A statistic of a contender's turns, in nanoseconds a call."""
        return Spread.of([turn[statistic] for turn in self.turns[name]])

    def ratio(self, name: str, statistic: str, to: str = "bare") -> Spread:
        """The ratio of a statistic to the same one of another contender in the same round."""
        pairs = zip(self.turns[name], self.turns[to], strict=True)
        return Spread.of([turn[statistic] / other[statistic] for turn, other in pairs])

    def difference(self, name: str, statistic: str, to: str = "bare") -> Spread:
        """The difference to another contender in the same round, in nanoseconds a call."""
        pairs = zip(self.turns[name], self.turns[to], strict=True)
        return Spread.of([turn[statistic] - other[statistic] for turn, other in pairs])


def environment() -> dict[str, str]:
    """This process's environment, for others; bytecode is cached, as it is for an installed program."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode")}


def _path(python: str) -> str:
    # What this process was given to import is not for other environments.
    inherited = os.environ.get("PYTHONPATH") if python == sys.executable else None
    return os.pathsep.join(filter(None, (inherited, str(ROOT))))


class _Process:
    def __init__(self, contender: Contender, log: IO[str]) -> None:
        self._name = contender.name
        self._log = log
        folder = Path(log.name + ".d")  # libraries such as MLflow write into the working directory
        folder.mkdir()
        self._process = subprocess.Popen(
            [contender.python, "-m", "benchmarks.worker", contender.subject, json.dumps(dict(contender.options))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
            env={**environment(), "PYTHONPATH": _path(contender.python), **contender.environment},
        )

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            raise ContenderFailed(f"{self._name} ended with {self._process.returncode}:\n{self._log.read()[-2000:]}")
        content: dict[str, Any] = json.loads(line)
        return content

    def order(self, **order: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


class Size(NamedTuple):
    """How much is measured.

    Attributes:
        generations: how often every contender gets a fresh process. Two processes of the same program differ by 1 or 2%
            for as long as they live, by how their memory is laid out; over the generations this evens out.
        rounds: how many turns every process has. The turns of one more round, the first, are not counted.
        calls: how many calls a turn times.
        warm_up: how many untimed calls go before them, since others have used the processor's caches meanwhile.
    """

    generations: int
    rounds: int
    calls: int
    warm_up: int = 100


def measure(contenders: Sequence[Contender], size: Size, seed: int = 0) -> Measurement:
    """Let contenders take turns.

    Args:
        contenders: who; their names differ.
        size: how much.
        seed: of the order of the turns.

    Raises:
        ContenderFailed: a contender could not be set up, or crashed.
    """
    order = random.Random(seed)
    measured = Measurement({contender.name: [] for contender in contenders}, {})
    for _ in range(size.generations):
        with tempfile.TemporaryDirectory(prefix="otelml-bench-") as folder:
            _measure_once(contenders, size, order, Path(folder), measured)
    return measured


def _measure_once(
    contenders: Sequence[Contender], size: Size, order: random.Random, folder: Path, measured: Measurement
) -> None:
    processes: dict[str, _Process] = {}
    try:
        for number, contender in enumerate(contenders):
            log = (folder / f"{number}.log").open("w+", encoding="utf-8")
            processes[contender.name] = _Process(contender, log)
        for process in processes.values():
            process.answer()
        for number in range(size.rounds + 1):
            for name in order.sample(list(processes), len(processes)):
                turn = processes[name].order(do="turn", calls=size.calls, warm_up=size.warm_up)
                if number:
                    measured.turns[name].append(turn)
        for name, process in processes.items():
            measured.facts[name] = process.order(do="finish")
    finally:
        for process in processes.values():
            process.end()
