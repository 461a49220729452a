"""Steps that are put aside one by one, to be counted together (docs/decisions/0004)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from otelml.observations.training import RunDeclaration, StepTimes

WAITS, LOADS, FORWARDS, BACKWARDS, RETURNS, UPDATES, ENDS = range(7)
"""The marks of a step: it waits for its data and has them, begins its passes, returns from them, begins and ends its
update."""

OFF = -1
"""No mark is expected: the step, and those after it, are followed closely."""

_T = TypeVar("_T")


class Slice(NamedTuple):
    """Steps that were put aside, added up.

    Attributes:
        steps: how many.
        times: by phase.
        samples: in them.
        tokens: in them.
        losses: of each.
        learning_rate: of the last.
        began: when the first of them began, by `perf_counter_ns`.
    """

    steps: int
    times: StepTimes
    samples: int
    tokens: int
    losses: list[float]
    learning_rate: float | None
    began: int


class StepLog:
    """The steps of one thread in one run that all go the same way: one forward pass, one backward pass, one update.

    Appending to a list is atomic, so the complete steps can be counted by another thread meanwhile.

    Attributes:
        at: the mark that comes next.
        by_rows: whether the rows of a tensor are samples to the module.
        declared: what was said about the run.
        duration: of the last step that was counted, in ns.
        first: the first mark of a step: `WAITS` with a data loader, else `FORWARDS`.
        given: the numbers of samples that the module was called with.
        loader: gives the data loader's iterator, as long as it lives.
        loads: the numbers of samples in the loader's batches.
        losses: of the steps.
        marks: when each mark was, by `perf_counter_ns`.
        module: gives the module that is called, as long as it lives.
        optimizer: gives the optimizer, as long as it lives.
        rate: gives the learning rate.
        size: the number of steps that were to be put aside.
        token_argument: the name and position of the module's argument that takes tokens.
        tokens: the numbers of tokens that the module was called with, where it takes tokens.
        turn: how many of them are left.
        untrained: by id, what is known of modules that were called; those with nothing to train stand beside None.
    """

    __slots__ = (
        "_ended",
        "_stride",
        "at",
        "by_rows",
        "declared",
        "duration",
        "first",
        "given",
        "loader",
        "loads",
        "losses",
        "marks",
        "module",
        "optimizer",
        "rate",
        "size",
        "token_argument",
        "tokens",
        "turn",
        "untrained",
    )

    def __init__(self, declared: RunDeclaration | None = None) -> None:
        self.at = self.first = OFF
        self.module: Callable[[], Any] = _nothing
        self.optimizer: Callable[[], object] = _nothing
        self.loader: Callable[[], object] = _nothing
        self.declared = declared
        self.untrained: dict[int, tuple[Any, Any]] = {}
        self.token_argument: tuple[str, int] | None = None
        self.by_rows = False
        self.marks: list[int] = []
        self.given: list[int] = []
        self.loads: list[int] = []
        self.tokens: list[int] = []
        self.losses: list[float] = []
        self.rate: Callable[[], float | None] = _nothing
        self.turn = self.size = 0
        self.duration = 0
        self._ended = 0
        self._stride = 1

    def expect(
        self,
        turn: int,
        ended: int,
        module: Callable[[], Any],
        optimizer: Callable[[], object],
        rate: Callable[[], float | None],
        loader: Callable[[], object] | None,
    ) -> None:
        """Put steps aside from now on.

        Args:
            turn: how many.
            ended: when the step before them ended, by `perf_counter_ns`.
            module: gives the module that they call.
            optimizer: gives the optimizer that ends them.
            rate: gives its learning rate.
            loader: gives the iterator that their data come from; None where they come from no data loader.
        """
        self.module, self.optimizer, self.rate = module, optimizer, rate
        self.loader = loader or _nothing
        self.first = FORWARDS if loader is None else WAITS
        self._stride = ENDS + 1 - self.first
        self._ended = ended
        self.goes_on(turn)

    def goes_on(self, turn: int) -> None:
        """Put this many more steps aside, all those before them having been counted."""
        self.turn = self.size = turn
        self.at = self.first

    def drained(self) -> Slice | None:
        """The complete steps that were put aside; the caller holds the run's lock."""
        stride = self._stride
        steps = len(self.marks) // stride
        if not steps:
            return None
        marks = _drained(self.marks, steps * stride)
        began, self._ended = self._ended, marks[-1]
        self.duration = marks[-1] - (marks[-1 - stride] if steps > 1 else began)
        forward, backward, after, update, updated = (sum(marks[at::stride]) for at in range(stride - 5, stride))
        waited = sum(marks[1::stride]) - sum(marks[::stride]) if self.first == WAITS else 0
        passes, backwards, updates = backward - forward, after - backward, updated - update
        other = marks[-1] - began - waited - passes - backwards - updates
        given = _drained(self.given, steps)
        loads = _drained(self.loads, steps) if self.first == WAITS else given
        return Slice(
            steps,
            StepTimes(waited, passes, backwards, updates, other),
            sum(loads),
            sum(_drained(self.tokens, steps)) if self.token_argument else 0,
            _drained(self.losses, steps),
            self.rate(),
            began,
        )

    @property
    def ended(self) -> int:
        """When the last step that was counted ended, by `perf_counter_ns`."""
        return self._ended


def _nothing() -> None:
    return None


def _drained(waiting: list[_T], count: int) -> list[_T]:
    # What is appended meanwhile stays: each of the two is atomic.
    drained = waiting[:count]
    del waiting[:count]
    return drained
