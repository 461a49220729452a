"""The loop of each thread, and the steps that it puts aside instead of following them closely.

Steps that all go the same way leave only marks in a `StepLog`, which the hooks write themselves. Whatever is not the
mark that comes next ends that: the steps are counted, and the marks of the one under way are followed after all.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from otelml._guard import guarded
from otelml.instrumentation.torch.training.gradients import learning_rate
from otelml.instrumentation.torch.training.loop import BACKWARD, FORWARD, OTHER, Loop
from otelml.instrumentation.torch.training.norms import Norms
from otelml.instrumentation.torch.training.owners import Owners, Trained
from otelml.instrumentation.torch.training.values import StepValues
from otelml.telemetry.training import TrainingRun
from otelml.telemetry.training.log import BACKWARDS, FORWARDS, LOADS, OFF, RETURNS, UPDATES, WAITS, StepLog

_FEW = 4
_MAX_PATIENCE = 255
"""A loop whose steps change so often that few are put aside at a time is followed closely for ever more steps."""

_NOTHING = StepLog()
"""Of a thread that puts no steps aside."""


class _Local(threading.local):
    def __init__(self) -> None:
        self.loop = Loop()
        self.log = _NOTHING
        self.run: TrainingRun | None = None
        self.trained: Trained | None = None
        self.norms: Norms | None = None


here = _Local()
"""What belongs to this thread. Replaced by `forget`, so it is to be reached through this module."""


def forget() -> None:
    """Begin anew, as a forked child does."""
    global here
    here = _Local()


def current() -> Loop:
    """The loop of this thread, which is followed closely from now on."""
    local = here
    if local.log is not _NOTHING:
        _follow(local)
    return local.loop


def put_aside(state: Loop, run: TrainingRun, trained: Trained, optimizer: Any, owners: Owners, norms: Norms) -> None:
    """Put the steps aside that go as the one that has just ended, if there may be several.

    Args:
        state: the loop.
        run: of the step.
        trained: the module of the run.
        optimizer: which has ended the step.
        owners: what is known of modules.
        norms: compute the norm of the gradients in the last of these steps, if it is due.
    """
    if state.patience:
        state.patience -= 1
        return
    module = state.module
    turn = _turn(state, run, trained)
    if turn < _FEW or module is None:
        return
    log = run.log()
    called = module()
    log.by_rows = not isinstance(called, nn.RNNBase) and trained.tokens is None
    log.token_argument = trained.tokens
    log.untrained = owners.called
    local = here
    local.log, local.run, local.trained, local.norms = log, run, trained, norms
    updates = weakref.ref(optimizer)
    log.expect(turn, state.last, module, updates, partial(_rate, updates), state.loader if state.batches else None)


def _turn(state: Loop, run: TrainingRun, trained: Trained) -> int:
    if run.ended or not trained.watch.is_fine("loss", "norm"):
        return 0
    return min(run.turn, state.norm_at + 1)


@guarded
def _rate(optimizer: Callable[[], Any]) -> float | None:
    found = optimizer()
    return None if found is None else learning_rate(found)


@guarded
def last_update_begins(optimizer: Any) -> None:
    """The update of the last step that is to be put aside begins; the norm of its gradients may be due."""
    local = here
    state, log, run, trained = local.loop, local.log, local.run, local.trained
    if run is None or trained is None or local.norms is None or state.norm_at >= log.size:
        return
    values = StepValues()
    values.belong_to(run, trained.watch)
    local.norms.read(state, run, optimizer, values)
    state.norm_at += log.size  # of which the steps of the slice are subtracted when it is counted


@guarded
def slice_ended() -> None:
    """All the steps are put aside that were to be; there may be more of them."""
    local = here
    log, run, state, trained = local.log, local.run, local.loop, local.trained
    if run is None or trained is None:
        return
    run.collect()
    _counted(state, log, log.size)
    run.stepped(log.size, log.duration)
    turn = _turn(state, run, trained)
    if turn >= _FEW:
        log.goes_on(turn)
    else:
        _stop(local, log, run)


def _counted(state: Loop, log: StepLog, steps: int) -> None:
    state.last = log.ended
    state.updates += steps
    state.norm_at -= steps
    state.impatience = 0 if steps >= _FEW else min(2 * state.impatience + 1, _MAX_PATIENCE)
    state.patience = state.impatience


def _follow(local: _Local) -> None:
    log, run, state = local.log, local.run, local.loop
    if run is None:
        return
    _stop(local, log, run)
    steps = log.size - log.turn
    _counted(state, log, steps)
    for mark, now in enumerate(log.marks, log.first):
        _REPLAYED[mark](state, log, now)
    if steps:
        run.stepped(steps, log.duration)


def _stop(local: _Local, log: StepLog, run: TrainingRun) -> None:
    local.log, local.run, local.trained, local.norms = _NOTHING, None, None, None
    log.at = OFF
    run.unlog(log)


def _waits(state: Loop, _log: StepLog, now: int) -> None:
    state.waits(now)


def _loads(state: Loop, log: StepLog, now: int) -> None:
    state.loads(now, id(log.loader()), log.loads[0], first=False)


def _forwards(state: Loop, log: StepLog, now: int) -> None:
    state.trains(now, FORWARD)
    state.forwards += 1
    state.given_rows += log.given[0]
    if log.token_argument is not None:
        state.tokens += log.tokens[0]


def _backwards(state: Loop, log: StepLog, now: int) -> None:
    state.trains(now, BACKWARD, functional=FORWARD)
    state.microbatches += 1
    state.values.loss(log.losses[0])


def _returns(state: Loop, _log: StepLog, now: int) -> None:
    state.enters(now, OTHER)


def _updates(state: Loop, log: StepLog, now: int) -> None:
    state.update_begins(now, id(log.optimizer()))
    state.norm_at -= 1


_REPLAYED = {
    WAITS: _waits,
    LOADS: _loads,
    FORWARDS: _forwards,
    BACKWARDS: _backwards,
    RETURNS: _returns,
    UPDATES: _updates,
}
