"""The overhead budget: what it spends, that it spends it blindly, and that the first calls are seen."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from statistics import fmean, median
from typing import NamedTuple

import pytest

from otelml.telemetry import budget as module
from otelml.telemetry.budget import BURST, RecordingBudget

SLOW, FAST = 2e-3, 100e-6


class Run(NamedTuple):
    """The durations that were recorded, and those of calls with a span, by number of the call."""

    recorded: dict[int, float]
    spans: dict[int, float]


@pytest.fixture(autouse=True)
def _seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_random", random.Random(20))


def simulate(budget: RecordingBudget, durations: Iterable[float]) -> Run:
    """Make calls that take these seconds, one by one."""
    run = Run({}, {})
    for number, duration in enumerate(durations):
        recorded, span = budget.advance(1)
        if recorded:
            run.recorded[number] = duration
        if span:
            run.spans[number] = duration
        budget.add(1, duration)
    return run


def bimodal(calls: int) -> Iterator[float]:
    """Durations of a model with a cache: nine in ten are short."""
    draw = random.Random(5)
    return (1e-3 if draw.random() < 0.1 else 100e-6 for _ in range(calls))


def test_the_first_calls_are_all_recorded() -> None:
    """Whatever the calls take, the first ones are seen, with a span."""
    run = simulate(RecordingBudget(0.03), [1e-6] * 1000)
    assert set(range(BURST)) <= set(run.recorded)
    assert set(range(BURST)) <= set(run.spans)


@pytest.mark.parametrize("limit", [1, 1.0])
def test_at_100_percent_every_call_is_recorded(limit: float) -> None:
    """With the whole time as budget nothing is left out, and the share says so."""
    budget = RecordingBudget(limit)
    run = simulate(budget, [1e-6] * 500)
    assert len(run.recorded) == len(run.spans) == 500
    assert budget.duration_share == budget.span_share == 1


def test_at_0_percent_no_call_is_recorded() -> None:
    """Without a budget nothing is recorded, not even the first calls, and the share says so."""
    budget = RecordingBudget(0)
    run = simulate(budget, [10.0] * 500)
    assert not run.recorded
    assert not run.spans
    assert budget.duration_share == budget.span_share == 0


def test_slow_calls_are_all_recorded() -> None:
    """Calls that are slow against the cost of recording all get a duration and a span."""
    budget = RecordingBudget(0.03)
    run = simulate(budget, [50e-3] * 500)
    assert len(run.recorded) == len(run.spans) == 500
    assert budget.duration_share == budget.span_share == 1


@pytest.mark.parametrize("duration", [20e-6, 100e-6, 300e-6, 1e-3, 5e-3])
@pytest.mark.parametrize("limit", [0.01, 0.03, 0.2])
def test_recorded_share_is_the_reported_one(limit: float, duration: float) -> None:
    """The share of calls that are recorded is the share in force, within the noise of the draws."""
    budget = RecordingBudget(limit)
    calls = 40_000
    run = simulate(budget, [duration] * calls)
    for share, found in ((budget.duration_share, run.recorded), (budget.span_share, run.spans)):
        later = [number for number in found if number >= BURST]
        expected = share * (calls - BURST)
        assert len(later) == pytest.approx(expected, abs=5 * (expected * (1 - share)) ** 0.5 + 1)


@pytest.mark.parametrize("duration", [20e-6, 150e-6, 1e-3, 20e-3])
@pytest.mark.parametrize("limit", [0.01, 0.03, 0.2])
def test_the_budget_holds(limit: float, duration: float) -> None:
    """What is recorded after the burst costs less than the share of the calls' time, at the costs the budget knows."""
    budget = RecordingBudget(limit)
    run = simulate(budget, [duration] * 40_000)
    recorded = sum(number >= BURST for number in run.recorded)
    spans = sum(number >= BURST for number in run.spans)
    spent = recorded * budget.duration_cost + spans * budget.span_cost
    assert spent <= 1.1 * limit * duration * 40_000


def test_a_call_does_not_decide_for_itself() -> None:
    """Long and short calls are recorded with the same probability, so the recorded durations are an unbiased sample."""
    durations = list(bimodal(200_000))
    run = simulate(RecordingBudget(0.03), durations)
    later = {number: duration for number, duration in run.recorded.items() if number >= BURST}
    assert len(later) > 5_000
    shares = []
    for long in (False, True):
        there = sum((duration > FAST) is long for duration in durations[BURST:])
        shares.append(sum((duration > FAST) is long for duration in later.values()) / there)
    assert shares[0] == pytest.approx(shares[1], rel=0.1)
    assert fmean(later.values()) == pytest.approx(fmean(durations), rel=0.05)
    assert median(later.values()) == median(durations)


@pytest.mark.parametrize("period", [2, 3, 10, 64, 256])
def test_regular_patterns_are_not_missed(period: int) -> None:
    """Where every n-th call is slow, that one is recorded as often as its neighbours."""
    pattern = [SLOW, *[FAST] * (period - 1)]
    run = simulate(RecordingBudget(0.01), islice(cycle(pattern), 100_000))
    later = [number for number in run.recorded if number >= BURST]
    slow = sum(number % period == 0 for number in later)
    expected = len(later) / period
    assert slow == pytest.approx(expected, abs=5 * expected**0.5)


def test_a_model_that_becomes_slow_is_recorded_soon() -> None:
    """After some hundred slow calls, every one is recorded, though few were before."""
    budget = RecordingBudget(0.03)
    simulate(budget, [30e-6] * 20_000)
    assert budget.duration_share < 0.1
    simulate(budget, [50e-3] * 300)
    assert len(simulate(budget, [50e-3] * 100).recorded) == 100


def test_a_pause_inside_a_measurement_does_not_end_recording() -> None:
    """One measurement of a second, as when the machine stops for the garbage collector, changes the share little."""
    budget = RecordingBudget(0.03)
    simulate(budget, [150e-6] * 1000)
    before = budget.duration_share, budget.span_share
    budget.spent_on_duration(1.0)
    budget.spent_on_span(1.0)
    assert budget.duration_share > before[0] / 2
    assert budget.span_share > before[1] / 2


def test_costs_that_are_measured_count() -> None:
    """Where recording is dearer than expected, less is recorded."""
    cheap, dear = RecordingBudget(0.03), RecordingBudget(0.03)
    for _ in range(200):
        dear.spent_on_duration(200e-6)
    for budget in (cheap, dear):
        simulate(budget, [150e-6] * 1000)
    assert dear.duration_share < cheap.duration_share / 3


def test_calls_in_slices_are_drawn_like_single_ones() -> None:
    """Skipping the calls that need nothing comes to the same number of recorded ones."""
    budget = RecordingBudget(0.03)
    calls = recorded = 0
    while calls < 100_000:
        slice_ = budget.unrecorded_calls(256) or 1
        recorded += budget.advance(slice_)[0]
        budget.add(slice_, slice_ * 150e-6)
        calls += slice_
    one_by_one = simulate(RecordingBudget(0.03), [150e-6] * calls).recorded
    assert recorded == pytest.approx(len(one_by_one), rel=0.15)


def test_calls_inside_a_call_are_paid_for_first() -> None:
    """A forest, whose every call is those of its trees, too, gets less recorded than a model that is as slow alone."""
    alone, forest = RecordingBudget(0.03), RecordingBudget(0.03)
    for _ in range(200):
        alone.contained(0)
        forest.contained(20)
    for budget in (alone, forest):
        simulate(budget, [800e-6] * 1000)
    assert forest.duration_share < alone.duration_share / 2
    assert forest.span_share < alone.span_share
