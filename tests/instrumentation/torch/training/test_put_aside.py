"""Steps that are put aside are counted as those that are followed closely."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import otelml
from otelml.instrumentation.torch import TorchInstrumentor
from otelml.instrumentation.torch.training import threads
from otelml.settings import resolve
from otelml.telemetry.training.log import OFF
from tests.instrumentation.torch.training.loops import FEATURES, Net, loader
from tests.support.telemetry import Telemetry

_METRICS = (
    *("steps", "skipped_steps", "microbatches", "samples", "tokens", "epochs", "time", "runs", "anomalies"),
    *("loss", "learning_rate", "gradient.norm"),
)
_CLOCKS = (
    "otelml.instrumentation.torch.runtime",
    *(f"otelml.instrumentation.torch.training.{place}" for place in ("runtime", "patch", "quick")),
    *(f"otelml.telemetry.training.{place}" for place in ("run", "steps", "window")),
)


class Clock:
    """A clock that only the test moves on."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def passes(self, time: int) -> None:
        """Move on, by tenths of a millisecond: of longer steps, most are recorded."""
        self.now += time * 100_000


class Loop:
    """A loop in which every phase takes its time, a little more in each step."""

    def __init__(self, clock: Clock) -> None:
        torch.manual_seed(0)
        self.clock = clock
        self.steps = 0

        class Slow(Net):
            def forward(self, x: Tensor) -> Tensor:
                clock.passes(2)
                return super().forward(x)

        self.net = Slow()
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.01)
        self.optimizer.register_step_pre_hook(lambda *_: clock.passes(5 + self.steps % 3))
        self.criterion = nn.CrossEntropyLoss()

    def step(self, x: Tensor, y: Tensor, scale: float = 1.0) -> None:
        """One step."""
        self.steps += 1
        self.clock.passes(1)
        self.optimizer.zero_grad()
        loss = self.criterion(self.net(x), y) * scale
        loss.register_hook(lambda _: self.clock.passes(3 + self.steps % 2))
        loss.backward()
        self.clock.passes(7)
        self.optimizer.step()
        self.clock.passes(11)

    def batches(self, count: int, size: int = 3) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches made by hand."""
        for number in range(count):
            rows = size + number % 2
            yield torch.randn(rows, FEATURES), torch.randint(0, 2, (rows,))


def by_hand(loop: Loop) -> None:
    """No data loader."""
    for x, y in loop.batches(300):
        loop.step(x, y)


def loaded(loop: Loop) -> None:
    """Epochs over a data loader whose last batch is smaller."""
    data = loader(203, 4)
    for _ in range(4):
        for x, y in data:
            loop.step(x, y)


def validated(loop: Loop) -> None:
    """A validation pass after each epoch."""
    data, held_out = loader(203, 4), loader(20, 4)
    for _ in range(3):
        loop.net.train()
        for x, y in data:
            loop.step(x, y)
        loop.net.eval()
        with torch.no_grad():
            for x, y in held_out:
                loop.criterion(loop.net(x), y)


def failing(loop: Loop) -> None:
    """Steps that raise in each of their phases, and go on."""
    armed: list[str] = []

    def raises(where: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            if armed and armed[0] == where:
                raise ValueError(armed.pop())

        return hook

    loop.net.register_forward_pre_hook(raises("forward"))
    next(loop.net.parameters()).register_hook(raises("backward"))
    loop.optimizer.register_step_pre_hook(raises("update"))
    for number, (x, y) in enumerate(loop.batches(400)):
        if number % 60 == 59:
            armed.append(("forward", "backward", "update")[number // 60 % 3])
        try:
            loop.step(x, y)
        except ValueError:
            assert not armed


def not_finite(loop: Loop) -> None:
    """A loss that is not a number, and learning again."""
    for number, (x, y) in enumerate(loop.batches(200)):
        if number in (80, 81, 150):
            state = {name: value.clone() for name, value in loop.net.state_dict().items()}
            loop.step(x, y, float("nan"))
            loop.net.load_state_dict(state)
        else:
            loop.step(x, y)


def accumulated(loop: Loop) -> None:
    """Some steps have several passes, or several batches in a step."""
    for number, (x, y) in enumerate(loop.batches(200)):
        if number % 50 == 40:
            loop.net(x).sum().backward()
        loop.step(x, y)


def two_models(loop: Loop) -> None:
    """Another model is trained now and then, and called."""
    other = Net()
    optimizer = torch.optim.Adam(other.parameters())
    for number, (x, y) in enumerate(loop.batches(300)):
        loop.step(x, y)
        if number % 70 == 60:
            other(x).sum().backward()
            optimizer.step()
        if number % 41 == 40:
            with torch.no_grad():
                other.eval()(x)
                other.train()


def scheduled(loop: Loop) -> None:
    """A learning rate that changes, and checkpoints."""
    scheduler = torch.optim.lr_scheduler.StepLR(loop.optimizer, 10, 0.9)
    for number, (x, y) in enumerate(loop.batches(205)):
        loop.step(x, y)
        if number < 204:
            scheduler.step()


def declared(loop: Loop) -> None:
    """Part of the loop is declared."""
    for x, y in loop.batches(70):
        loop.step(x, y)
    with otelml.training("named", model="other"):
        for x, y in loop.batches(90):
            loop.step(x, y)
    for x, y in loop.batches(50):
        loop.step(x, y)


def partial(loop: Loop) -> None:
    """A pass over the data that is given up, and passes that are never used."""
    data = loader(400, 4)
    for _ in range(3):
        for number, (x, y) in enumerate(data):
            loop.step(x, y)
            if number == 45:
                break
    for x, _ in data:
        loop.net(x)


LOOPS = (*(by_hand, loaded, validated, failing, not_finite, accumulated, two_models, scheduled, declared, partial),)


def _told(telemetry: Telemetry) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in _METRICS:
        points = [
            (sorted(point.attributes.items()), round(point.value, 6))
            for point in telemetry.points(f"ml.training.{metric}")
        ]
        found[metric] = sorted(points)
    found["validation"] = [round(point.value, 6) for point in telemetry.points("ml.evaluation.time")]
    return found


@pytest.mark.parametrize("program", LOOPS, ids=lambda program: program.__name__)
def test_counts_are_the_same(
    program: Callable[[Loop], None],
    telemetry: Telemetry,
    instrumented: TorchInstrumentor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps, samples, time by phase, losses and rates are those of a loop that is followed closely."""
    quickly = 0
    counts = threads._counted

    def counted(state: Any, log: Any, steps: int) -> None:
        nonlocal quickly
        quickly += steps
        counts(state, log, steps)

    monkeypatch.setattr(threads, "_counted", counted)
    told = []
    for put_aside in (threads.put_aside, lambda *_: None):
        clock = Clock()
        for place in _CLOCKS:
            monkeypatch.setattr(f"{place}.perf_counter_ns", clock)
        monkeypatch.setattr(threads, "put_aside", put_aside)
        fresh = Telemetry()
        instrumented.uninstrument()
        instrumented.instrument(**fresh.providers, settings=resolve({}, {}))
        program(Loop(clock))
        told.append(_told(fresh))
    assert quickly > 50
    assert told[0] == told[1]


def test_steps_that_are_put_aside_are_in_what_is_collected(telemetry: Telemetry) -> None:
    """Whenever metrics are collected, the steps, samples and epochs so far are in them, and counted once."""
    loop, aside = Loop(Clock()), []
    for steps in (90, 123, 124, 170, 190, 250):
        done = loop.steps
        for x, y in loop.batches(steps - done, size=2):
            loop.step(x[:2], y[:2])
        aside.append(threads.here.log.at != OFF)
        assert telemetry.point("ml.training.steps").value == steps
        assert telemetry.point("ml.training.samples").value == 2 * steps
        assert telemetry.point("ml.training.microbatches").value == steps
    assert any(aside)


def test_a_dead_module_is_not_taken_for_its_successor(telemetry: Telemetry) -> None:
    """Steps of a new model, which may have the old one's address, are its own run's."""
    for _ in range(3):
        loop = Loop(Clock())
        for x, y in loop.batches(60):
            loop.step(x, y)
        del loop
    assert telemetry.point("ml.training.steps").value == 180
    assert len({span.attributes["ml.training.run.id"] for span in telemetry.spans if span.name == "train Slow"}) == 3


def test_threads_put_their_own_steps_aside(telemetry: Telemetry) -> None:
    """Models that are trained on several threads at a time, and collected meanwhile, lose no step."""

    def train() -> None:
        loop = Loop(Clock())
        for x, y in loop.batches(150):
            loop.step(x, y)

    workers = [Thread(target=train) for _ in range(3)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        telemetry.points("ml.training.steps")
        workers[0].join(0.02)
    assert telemetry.point("ml.training.steps").value == 450
    assert telemetry.point("ml.training.samples").value == 450 * 3 + 225
