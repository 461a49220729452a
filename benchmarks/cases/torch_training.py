"""Training steps of PyTorch: one that is nearly all overhead, one with a data loader, and one of 10 ms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.harness import Contender, Measurement, Size, measure
from benchmarks.report import Check, Report, Table, Target, check, ratio_table
from benchmarks.sdk import Sdk
from benchmarks.subject import Facts, Subject

_HERE = "benchmarks.cases.torch_training"


def bare(shape: str) -> Subject:
    """The loop alone."""
    sdk = Sdk()
    return _subject(sdk, shape)


def otelml(shape: str) -> Subject:
    """The same with otelml."""
    from otelml import instrument

    sdk = Sdk()
    instrument()
    return _subject(sdk, shape)


def profiler(shape: str) -> Subject:
    """The same under torch.profiler, which records the operations of the CPU."""
    import torch

    subject = _subject(Sdk(), shape)
    subject.around = lambda: torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
    return subject


def _subject(sdk: Sdk, shape: str) -> Subject:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = 0
    step = _loaded() if shape == "loader" else _plain(*((8, 64) if shape == "small" else (256, 512)))

    def counted(_: Any) -> None:
        nonlocal steps
        steps += 1
        step()

    def facts() -> Facts:
        counted_steps = sum(point.data.value for point in sdk.points("ml.training.steps"))
        return {"steps": steps, "counted": counted_steps}

    return Subject(counted, facts=facts)


def _mlp(width: int) -> Any:
    from torch import nn

    return nn.Sequential(
        *(nn.Linear(32, width), nn.ReLU(), nn.Linear(width, width)),
        *(nn.ReLU(), nn.Linear(width, width), nn.Linear(width, 4)),
    )


def _plain(batch: int, width: int) -> Callable[[], None]:
    import torch

    net = _mlp(width)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y = torch.randn(batch, 32), torch.randint(0, 4, (batch,))

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    return step


def _loaded() -> Callable[[], None]:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    net = _mlp(64)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    data = DataLoader(TensorDataset(torch.randn(4096, 32), torch.randint(0, 4, (4096,))), batch_size=8)
    batches = iter(data)

    def step() -> None:
        nonlocal batches
        try:
            x, y = next(batches)
        except StopIteration:
            batches = iter(data)
            x, y = next(batches)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    return step


def _measured(shape: str, names: tuple[str, ...], size: Size) -> Measurement:
    contenders = {"bare": "bare", "bare again": "bare", "otelml": "otelml", "torch.profiler": "profiler"}
    return measure([Contender(name, f"{_HERE}:{contenders[name]}", {"shape": shape}) for name in names], size)


def run(quick: bool) -> Report:
    """Measure three kinds of steps."""
    tables: list[Table] = []
    checks: list[Check] = []
    for shape, title, limit, size in (
        ("small", "A plain step of a small model", 1.08, Size(5, 10, 500)),
        ("loader", "The same with a DataLoader", 1.05, Size(5, 10, 300)),
        ("large", "A step of 10 ms or more", 1.005, Size(5, 10, 20, 3)),
    ):
        names = ("bare", "bare again", "otelml", *(("torch.profiler",) if shape == "small" else ()))
        measured = _measured(shape, names, Size(1, 2, 20, 5) if quick else size)
        tables.append(ratio_table(title, measured))
        checks += check(measured, [Target("otelml", "mean", limit)])
        told = measured.facts["otelml"]
        counted, steps = told["counted"], told["steps"]
        checks.append(Check(f"steps counted, {shape}", f"{counted:g}", f"{steps}", counted == steps))
    return Report(
        title="Training steps of PyTorch",
        about="An MLP with SGD on one thread of the CPU, outside any span; a call is a step. `bare again` shows how "
        "far processes of the same program are apart.",
        tables=tables,
        checks=checks,
    )
