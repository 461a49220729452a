"""Gradient norms, and what goes wrong in a run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from otelml.instrumentation.torch.training.anomalies import Watch
from otelml.telemetry.training import TrainingRun
from tests.instrumentation.torch.training.loops import FEATURES, Net, loader, sgd, train
from tests.support.telemetry import Telemetry


def norm_of(net: nn.Module) -> float:
    """The norm of the gradients, by definition."""
    return sum(float((it.grad**2).sum()) for it in net.parameters() if it.grad is not None) ** 0.5


@pytest.mark.parametrize("options", [{"training_gradient_norm_every": 2}])
def test_norm_is_computed_now_and_then(telemetry: Telemetry) -> None:
    """The norm told is that of the last step at which it was computed, here the third of four."""
    net = Net()
    optimizer = sgd(net)
    norms = []
    for x, y in loader(32, 8):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        norms.append(norm_of(net))
        optimizer.step()
    assert telemetry.point("ml.training.gradient.norm").value == pytest.approx(norms[2])


@pytest.mark.parametrize("function", ["torch.nn.utils.clip_grad_norm_", "torch.nn.utils.clip_grad.clip_grad_norm_"])
def test_norm_is_taken_from_clipping(telemetry: Telemetry, function: str) -> None:
    """Where the application clips, each step's norm before clipping is told."""
    net = Net()
    optimizer = sgd(net)
    for x, y in loader():
        optimizer.zero_grad()
        (100 * nn.functional.cross_entropy(net(x), y)).backward()
        norm = norm_of(net)
        clip = torch.nn.utils.clip_grad_norm_ if function.count(".") == 3 else torch.nn.utils.clip_grad.clip_grad_norm_
        clip(net.parameters(), 0.5)
        optimizer.step()
    assert telemetry.point("ml.training.gradient.norm").value == pytest.approx(norm)
    assert norm > 1


@pytest.mark.parametrize(("bad", "type_"), [(torch.nan, "nan_loss"), (torch.inf, "inf_loss")])
def test_loss_that_is_not_finite(telemetry: Telemetry, bad: float, type_: str) -> None:
    """Every such loss is counted, the first of several in a row is told by an event, and none is a measurement."""
    net = Net()
    optimizer = sgd(net, 0.0)
    for added in (0.0, bad, bad, 0.0, bad):
        x, y = next(iter(loader()))
        optimizer.zero_grad()
        (nn.functional.cross_entropy(net(x), y) + added).backward()
        optimizer.step()
    assert telemetry.point("ml.training.anomalies", {"ml.training.anomaly.type": type_}).value == 3
    events = [
        event
        for event in telemetry.events
        if event.name == "ml.training.anomaly" and event.attributes["ml.training.anomaly.type"] == type_
    ]
    assert [event.attributes["ml.training.step.index"] for event in events] == [1, 4]
    assert 0 < telemetry.point("ml.training.loss").value < 100


def test_gradients_that_explode(telemetry: Telemetry) -> None:
    """A norm that is a hundred times the mean of those before it is an anomaly."""
    net = Net()
    optimizer = sgd(net, 0.0)
    x, y = next(iter(loader()))
    for factor in [1] * 12 + [1000]:
        optimizer.zero_grad()
        (nn.functional.cross_entropy(net(x), y) * factor).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1e9)
        optimizer.step()
    event = telemetry.event("ml.training.anomaly")
    assert event.attributes["ml.training.anomaly.type"] == "exploding_gradient"
    assert event.attributes["ml.training.gradient.norm.value"] == telemetry.point("ml.training.gradient.norm").value


def test_gradients_that_vanish(telemetry: Telemetry) -> None:
    """A norm of almost nothing is an anomaly."""
    net = Net()
    optimizer = sgd(net)
    x, y = next(iter(loader()))
    (nn.functional.cross_entropy(net(x), y) * 1e-9).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    assert telemetry.event("ml.training.anomaly").attributes["ml.training.anomaly.type"] == "vanishing_gradient"


def test_data_that_stalls(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait of ten steps and a second is told once for several in a row, but not that for a loader's first batch."""
    watch = Watch()
    assert watch.wait(5_000_000_000, 0.001, first=True) is None
    assert watch.wait(900_000_000, 0.001, first=False) is None
    assert watch.wait(2_000_000_000, 1.0, first=False) is None
    now = 0

    def clock() -> int:
        nonlocal now
        now += 1_000_000
        return now

    class Data(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            nonlocal now
            now += 3_000_000_000 if index in (0, 3, 4) else 0
            return torch.ones(FEATURES), 0

    monkeypatch.setattr("otelml.instrumentation.torch.training.runtime.perf_counter_ns", clock)
    monkeypatch.setattr(TrainingRun, "mean_step", 0.1)  # as after many steps
    net = Net()
    batches: Any = torch.utils.data.DataLoader(Data())
    train(net, batches, sgd(net))
    stalled = {"ml.training.anomaly.type": "stalled_data"}
    assert telemetry.point("ml.training.anomalies", stalled).value == 2
    assert telemetry.event("ml.training.anomaly").attributes["ml.training.step.index"] == 4


def test_sparse_and_other_gradients_have_no_norm(telemetry: Telemetry) -> None:
    """Sparse gradients are left alone, and the loop is seen all the same."""

    class Sparse(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(10, FEATURES, sparse=True)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.embed(x)
            return out

    model = Sparse()
    optimizer = torch.optim.SparseAdam(list(model.parameters()))
    model(torch.tensor([1, 2])).sum().backward()
    optimizer.step()
    assert telemetry.point("ml.training.steps").value == 1
    assert telemetry.points("ml.training.gradient.norm") == []


def test_operations_counted_by_the_host_are_its_own() -> None:
    """Under a mode that sees every operation, none of ours is made."""
    seen: list[str] = []

    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    net = Net()
    optimizer = sgd(net)
    x, y = next(iter(loader()))
    with Watching():
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    assert seen
    assert not [name for name in seen if "norm" in name or "item" in name or "local_scalar" in name]


def test_watch_of_a_run_ends_with_it(telemetry: Telemetry) -> None:
    """A second run is not compared with the norms of the first."""
    for scale in (1.0, 1000.0):
        net = Net()
        optimizer = sgd(net, 0.0)
        for x, y in loader(96, 8):
            optimizer.zero_grad()
            (nn.functional.cross_entropy(net(x), y) * scale).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1e9)
            optimizer.step()
    assert telemetry.points("ml.training.anomalies") == []
