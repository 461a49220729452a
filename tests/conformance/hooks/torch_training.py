"""Training loops of a host, for the conformance suites: what they return is told to the last bit."""

from __future__ import annotations

import io
import math
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import otelml
from tests.conformance.hook import Host

_ROWS = 12


def _net(features: int = 4) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(features)
    return nn.Sequential(nn.Linear(features, 5), nn.Tanh(), nn.Dropout(0.1), nn.Linear(5, 2))


def _data() -> Any:
    import torch
    from torch.utils.data import TensorDataset

    torch.manual_seed(1)
    return TensorDataset(torch.randn(_ROWS, 4), torch.randint(0, 2, (_ROWS,)))


def _weights(*nets: Any) -> list[Any]:
    """All that training has changed, and the random numbers that it has left."""
    import torch

    trained = [parameter.tolist() for net in nets for parameter in net.parameters()]
    return [*trained, torch.get_rng_state().sum().item()]


def train(host: Host) -> None:
    """Epochs over a loader with clipped gradients, a validation pass after each, and checkpoints."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    net, criterion = _net(), nn.CrossEntropyLoss()
    batches, held_out = DataLoader(_data(), 2, shuffle=True), DataLoader(_data(), 6)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    def validate() -> list[float]:
        net.eval()
        with torch.no_grad():
            losses = [criterion(net(x), y).item() for x, y in held_out]
        net.train()
        return losses

    def save() -> list[str]:
        file = io.BytesIO()
        torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, file)
        file.seek(0)
        return sorted(torch.load(file)["net"])

    host.call(save)  # before the first step, so that what it loads is told with the run
    for _ in range(3):
        for x, y in batches:
            host.call(step, x, y)
        host.call(validate)
    host.call(save)
    with host.request(), otelml.training("sweep", epochs=1, hyperparameters={"lr": 0.1}):
        for x, y in batches:
            host.call(step, x, y)
    host.call(_weights, net)


def train_alike(host: Host) -> None:
    """So many steps that go the same way that they are counted together, and some that don't in between."""
    import torch
    from torch.utils.data import DataLoader

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = _net()

        def forward(self, tokens: Any) -> Any:
            return self.inner(tokens.float())

    net = Model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    tokens = torch.randint(0, 9, (3, 4))

    def step(factor: float = 1.0) -> Any:
        optimizer.zero_grad()
        loss = net(tokens).square().mean() * factor
        loss.backward()
        optimizer.step()
        return loss.detach()

    for _ in range(40):
        host.call(step)
    host.call(step, 1e-12)
    for _ in range(20):
        host.call(step)
    loader = DataLoader(torch.utils.data.TensorDataset(torch.randint(0, 9, (_ROWS, 4))), 1)
    for _ in range(2):
        for (tokens,) in loader:  # noqa: B007 - which `step` reads
            host.call(step)
    host.call(_weights, net)


def train_oddly(host: Host) -> None:
    """Accumulated and scaled gradients, a closure, two models at once, losses that are not finite, and failures."""
    for program in (_accumulated, _scaled, _closed, _adversarial, _not_finite, _failing):
        host.call(lambda program=program: list(program()))


def _accumulated() -> Iterator[Any]:
    import torch
    from torch.utils.data import DataLoader

    net = _net()
    optimizer = torch.optim.Adam(net.parameters())
    for number, (x, y) in enumerate(DataLoader(_data(), 2)):
        loss = torch.nn.functional.cross_entropy(net(x), y) / 2
        loss.backward()
        if number % 2:
            optimizer.step()
            optimizer.zero_grad()
        yield loss.item()
    yield _weights(net)


def _scaled() -> Iterator[Any]:
    import torch
    from torch.utils.data import DataLoader

    net = _net()
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for number, (x, y) in enumerate(DataLoader(_data(), 3)):
        optimizer.zero_grad()
        with torch.autocast("cpu"):
            loss = torch.nn.functional.cross_entropy(net(x), y)
        scaler.scale(loss).backward()
        if number == 1:
            next(net.parameters()).grad.fill_(torch.inf)
        if number == 2:
            scaler.unscale_(optimizer)
            yield torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0).item()
        scaler.step(optimizer)
        scaler.update()
        yield [loss.item(), scaler.get_scale()]
    yield _weights(net)


def _closed() -> Iterator[Any]:
    import torch

    net, (x, y) = _net(), _data().tensors
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=4)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        return loss

    for _ in range(2):
        yield optimizer.step(closure).item()
    yield _weights(net)


def _adversarial() -> Iterator[Any]:
    import torch

    maker, judge = _net(2), _net(2)
    optimizers = [torch.optim.SGD(it.parameters(), lr=0.1) for it in (maker, judge)]
    for _ in range(4):
        made = maker(torch.ones(3, 2))
        for samples, optimizer in ((made.detach(), optimizers[1]), (made, optimizers[0])):
            loss = judge(samples).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.item()
    yield _weights(maker, judge)


def _not_finite() -> Iterator[Any]:
    import torch

    net = _net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0)
    for factor in (*(1.0,) * 12, 1e6, math.nan, 1e-12):
        optimizer.zero_grad()
        loss = net(torch.ones(2, 4)).square().mean() * factor
        loss.backward()
        yield torch.nn.utils.clip_grad_norm_(net.parameters(), 1e9).item()
        optimizer.step()
        yield loss.item()


def _failing() -> Iterator[Any]:
    import torch

    net, (x, y) = _net(), _data().tensors
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    class Stuck(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            raise KeyboardInterrupt

    def attempt(function: Callable[[], object]) -> str:
        try:
            function()
        except (RuntimeError, KeyboardInterrupt, OSError) as error:
            return f"{type(error)} {error} {error.__cause__} {error.__context__}"
        return "no error"

    for fails in (False, True, False):
        loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        if fails:
            yield attempt(loss.backward)
            yield attempt(Stuck(net.parameters(), lr=0.1).step)
            yield attempt(lambda: net(x[:, :3]))
            yield attempt(lambda: torch.save(net.state_dict(), "/nowhere/at/all"))
        optimizer.step()
        yield loss.item()
    yield _weights(net)


def keep(host: Host) -> None:
    """Checkpoints of `torch.distributed.checkpoint`, written at once and in the background."""
    host.call(lambda: list(_kept()))


def _kept() -> Iterator[Any]:
    import torch

    dcp: Any = import_module("torch.distributed.checkpoint")
    net = _net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        net(torch.ones(2, 4)).sum().backward()
        optimizer.step()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there is one process only
        yield sorted(dcp.save({"net": net.state_dict()}, checkpoint_id=f"{folder}/1", no_dist=True).state_dict_metadata)
        future: Any = dcp.async_save({"net": net.state_dict()}, checkpoint_id=f"{folder}/2", no_dist=True)
        yield sorted(future.result().state_dict_metadata)
        state = {"net": _net().state_dict()}
        dcp.load(state, checkpoint_id=f"{folder}/2", no_dist=True)
        yield [value.tolist() for value in state["net"].values()]
    yield _weights(net)
