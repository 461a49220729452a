"""The time of a step's phases on a GPU: events recorded in its stream, read when the GPU has passed them.

The host only queues work, so its clock says when a phase was queued, not how long it took. Nothing here waits.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from otelml.instrumentation.torch.training import captures
from otelml.instrumentation.torch.training.scalars import Scalars
from otelml.observations.training import StepTimes, TrainingStep
from otelml.telemetry.training import TrainingRun

_MAX_WAITING = 64
"""Steps under way. When the GPU is that far behind, the oldest is reported by the host's clock."""


_new_event: Callable[..., Any] = torch.cuda.Event


class _Waiting(NamedTuple):
    step: TrainingStep
    run: TrainingRun
    marks: list[tuple[int, Any]]
    end: Any
    left_out: list[float]


class DeviceSteps:
    """The steps of one thread on its current CUDA device."""

    def __init__(self) -> None:
        self._pool: list[Any] = []
        self._marks: list[tuple[int, Any]] = []
        self._waiting: deque[_Waiting] = deque()
        self._scalars = Scalars()
        self._capturing = False

    def marks(self, phase: int) -> None:
        """The next phase begins."""
        if self._marks and self._marks[-1][0] == phase:
            return
        event = self._event()
        if event is None:
            self._capturing = True
        else:
            self._marks.append((phase, event))

    def ends(self, step: TrainingStep, run: TrainingRun, found_inf: object) -> bool:
        """The step ends; False if it has to be reported by the host's clock, now."""
        marks, self._marks = self._marks, []
        capturing, self._capturing = self._capturing, False
        end = None if capturing or not marks else self._event()
        if end is None:
            self._pool += [event for _, event in marks]
            return False
        left_out: list[float] = []
        if found_inf is not None:
            self._scalars.read(found_inf, left_out.append)
        self._waiting.append(_Waiting(step, run, marks, end, left_out))
        self._report()
        return True

    def flush(self) -> None:
        """Report every step, by the host's clock where the GPU has not passed its end."""
        self._report()
        while self._waiting:
            waiting = self._waiting.popleft()
            waiting.run.add_step(_skippable(waiting))

    def _report(self) -> None:
        self._scalars.poll()
        while self._waiting:
            oldest = self._waiting[0]
            times = _measured(oldest)
            if times is None and len(self._waiting) <= _MAX_WAITING:
                return
            step = _skippable(oldest)
            oldest.run.add_step(step if times is None else step._replace(times=times))
            self._waiting.popleft()
            self._pool += [event for _, event in oldest.marks]
            self._pool.append(oldest.end)

    def _event(self) -> Any:
        """An event at this place of the stream; None while something is captured, of which it would be a part."""
        with captures.quiet() as quiet:
            if not quiet:
                return None
            event = self._pool.pop() if self._pool else _new_event(enable_timing=True)
            event.record()
        return event


def _skippable(waiting: _Waiting) -> TrainingStep:
    return waiting.step._replace(skipped=True) if any(waiting.left_out) else waiting.step


def _measured(waiting: _Waiting) -> StepTimes | None:
    """The time by phase; None where the GPU has not passed the end of the step, or may not be asked."""
    times = [0] * 5
    edges = [*waiting.marks, (0, waiting.end)]
    with captures.quiet() as quiet:
        if not quiet or not waiting.end.query():
            return None
        for (phase, event), (_, following) in itertools.pairwise(edges):
            times[phase] += int(event.elapsed_time(following) * 1e6)
    host = waiting.step.times
    # The host's whole time stays the step's: what the GPU did not work on, and no data was waited for, is other.
    rest = sum(host) - host.data_wait - sum(times[1:4])
    return StepTimes(host.data_wait, times[1], times[2], times[3], max(rest, 0))
