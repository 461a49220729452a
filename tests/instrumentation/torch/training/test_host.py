"""The host's loop behaves as without us, whatever happens in it."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from otelml.instrumentation.torch import TorchInstrumentor
from tests.instrumentation.torch.training.loops import FEATURES, Net, loader, sgd, train
from tests.support.telemetry import Telemetry


def test_same_numbers_as_without_us(instrumented: TorchInstrumentor) -> None:
    """Losses and weights are equal to the last bit, and so is the state of the random numbers."""

    def run() -> tuple[list[float], list[Tensor], Tensor]:
        torch.manual_seed(7)
        net = nn.Sequential(nn.Linear(FEATURES, 16), nn.Dropout(), nn.Linear(16, 2))
        losses = train(net, loader(shuffle=True), torch.optim.Adam(net.parameters()), epochs=2)
        return losses, [it.detach().clone() for it in net.parameters()], torch.get_rng_state()

    with_us = run()
    instrumented.uninstrument()
    without = run()
    assert with_us[0] == without[0]
    assert all(torch.equal(one, other) for one, other in zip(with_us[1], without[1], strict=True))
    assert torch.equal(with_us[2], without[2])


def test_backward_twice(telemetry: Telemetry) -> None:
    """The second pass raises as ever; the exception is told, and the next step is counted rightly."""
    net = Net()
    optimizer = sgd(net)
    train(net, loader(), optimizer)
    x, y = next(iter(loader()))
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        loss.backward()
    optimizer.step()
    assert telemetry.point("ml.training.steps").value == 4
    assert telemetry.event("ml.operation.exception").attributes["exception.type"] == "RuntimeError"


def test_optimizer_without_parameters(telemetry: Telemetry) -> None:
    """It is refused as ever; one whose parameters have no gradients steps, and is counted."""
    with pytest.raises(ValueError, match="empty parameter list"):
        torch.optim.SGD([], lr=0.1)
    net = Net()
    sgd(net).step()
    assert telemetry.point("ml.training.steps").value == 1
    assert telemetry.points("ml.training.loss") == []


class Trap:
    """Raises at one place of a step, once it is armed."""

    def __init__(self, where: str, error: type[BaseException]) -> None:
        self.where = where
        self.error = error
        self.armed = False

    def passes(self, place: str) -> None:
        """The host is at a place."""
        if self.armed and place == self.where:
            raise self.error


class Trapped(Net):
    """A model with a trap in both passes."""

    def __init__(self, trap: Trap) -> None:
        super().__init__()
        self.trap = trap

    def forward(self, x: Tensor) -> Tensor:
        self.trap.passes("forward")
        out = super().forward(x)
        if out.requires_grad:
            out.register_hook(lambda _: self.trap.passes("backward"))
        return out


class TrappedOptimizer(torch.optim.SGD):
    """An optimizer with a trap."""

    def __init__(self, net: Trapped) -> None:
        super().__init__(net.parameters(), lr=0.1)
        self.trap = net.trap

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        self.trap.passes("step")
        super().step()


class TrappedData(torch.utils.data.Dataset):
    """Four samples with a trap in the third."""

    def __init__(self, trap: Trap) -> None:
        self.trap = trap

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if index == 2:
            self.trap.passes("data")
        return torch.ones(FEATURES), 0


@pytest.mark.parametrize("where", ["forward", "backward", "step", "data"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interrupted_step(telemetry: Telemetry, where: str, error: type[BaseException]) -> None:
    """An exception in a step reaches the application, and the steps before and after it are counted."""
    trap = Trap(where, error)
    net = Trapped(trap)
    optimizer = TrappedOptimizer(net)
    batches: Any = torch.utils.data.DataLoader(TrappedData(trap))
    train(net, batches, optimizer)
    trap.armed = True
    with pytest.raises(error):
        train(net, batches, optimizer)
    before = telemetry.point("ml.training.steps").value
    assert before == (6 if where == "data" else 4)
    trap.armed = False
    train(net, batches, optimizer)
    assert telemetry.point("ml.training.steps").value == before + 4
    assert telemetry.point("ml.training.epochs").value == 2


def test_worker_that_dies(telemetry: Telemetry) -> None:
    """The application gets the data loader's error; the steps until then are counted."""

    class Dying(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            if index == 4:
                os._exit(1)
            return torch.ones(FEATURES), 0

    net = Net()
    batches: Any = torch.utils.data.DataLoader(Dying(), batch_size=2, num_workers=1, prefetch_factor=1)
    with pytest.raises(RuntimeError, match="DataLoader worker"):
        train(net, batches, sgd(net))
    assert telemetry.points("ml.training.epochs") == []


def test_loss_that_is_no_plain_number(telemetry: Telemetry) -> None:
    """Losses of several elements, of a subclass of Tensor or on no device are not read, and the step is counted."""

    class Own(Tensor):
        pass

    net = Net()
    optimizer = sgd(net)
    net(torch.randn(3, FEATURES)).backward(torch.ones(3, 2))
    optimizer.step()
    net(torch.randn(3, FEATURES)).sum().as_subclass(Own).backward()
    optimizer.step()
    meta = Net().to("meta")
    meta(torch.randn(3, FEATURES, device="meta")).sum().backward()
    assert telemetry.point("ml.training.steps").value == 2
    assert telemetry.points("ml.training.loss") == []


def test_threads_have_loops_of_their_own(telemetry: Telemetry) -> None:
    """Two models that are trained in two threads at once are told apart, to the step."""

    class Other(Net):
        pass

    def work(model: nn.Module, batches: Any) -> None:
        train(model, batches, sgd(model), epochs=5)

    workers = [
        threading.Thread(target=work, args=(model, loader(samples, 4)))
        for model, samples in ((Net(), 40), (Other(), 80))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    samples = {point.attributes["ml.model.name"]: point.value for point in telemetry.points("ml.training.samples")}
    assert samples == {"Net": 200, "Other": 400}


def test_update_that_fails_is_made_up_for(telemetry: Telemetry) -> None:
    """After an update that raised, the next one is a step of all the samples since the last."""
    trap = Trap("step", MemoryError)
    net = Trapped(trap)
    optimizer = TrappedOptimizer(net)
    for fails in (False, True, False):
        trap.armed = fails
        net(torch.randn(10, FEATURES)).sum().backward()
        with contextlib.suppress(MemoryError):
            optimizer.step()
    assert telemetry.point("ml.training.steps").value == 2
    assert telemetry.point("ml.training.samples").value == 30


def test_recomputed_forward_is_no_call(telemetry: Telemetry) -> None:
    """Activation checkpointing calls modules again inside the backward pass; their samples are not counted twice."""
    net = Net()
    optimizer = sgd(net)
    x, y = torch.randn(8, FEATURES), torch.randint(0, 2, (8,))
    out = checkpoint(net, x, use_reentrant=False)
    nn.functional.cross_entropy(out, y).backward()
    optimizer.step()
    assert telemetry.point("ml.training.samples").value == 8
    assert telemetry.points("ml.inference.calls") == []


def test_nothing_is_kept_alive(telemetry: Telemetry) -> None:
    """Models, optimizers and losses of the host are freed as without us."""
    net = Net()
    optimizer = sgd(net)
    train(net, loader(), optimizer)
    x, y = next(iter(loader()))
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    gone: list[weakref.ref[Any]] = [
        weakref.ref(net),
        weakref.ref(optimizer),
        weakref.ref(loss),
        weakref.ref(net.layers[0].weight),
    ]
    del net, optimizer, loss
    gc.collect()
    assert [reference() is None for reference in gone] == [True] * 4


@pytest.mark.usefixtures("contained_faults")
@pytest.mark.parametrize(
    "broken",
    [
        "loop.Loop.trains",
        "loop.Loop.waits",
        "loop.Loop.loads",
        "loop.Loop.exhausts",
        "loop.Loop.updated",
        "owners.Owners.trained",
        "owners.Owners.of",
        "scalars.Scalars.read",
        "gradients.read_norm",
        "sizes.rows",
    ],
)
def test_faults_stay_with_us(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Whatever of ours raises, the host's losses are the same."""

    def losses() -> list[float]:
        torch.manual_seed(3)
        net = Net()
        return train(net, loader(), sgd(net))

    expected = losses()

    def fault(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(f"otelml.instrumentation.torch.training.{broken}", fault)
    assert losses() == expected
