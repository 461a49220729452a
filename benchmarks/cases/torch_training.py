"""Training steps of PyTorch: of a small model, with a data loader, nearly all overhead, and one of 10 ms."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from benchmarks import peers
from benchmarks.alternating import HEADER, Variant, subject
from benchmarks.alternating import rounds as alternating_rounds
from benchmarks.harness import ROOT, Contender, Measurement, Size, measure
from benchmarks.report import Check, Report, Table, held, ratio_table
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


def alternating(shape: str) -> Subject:
    """The loop with the hooks and without them, in one process."""
    from otelml import instrument

    sdk = Sdk()
    instrument()
    call = _subject(sdk, shape).call
    from otelml.instrumentation.torch import patch  # once PyTorch is imported
    from otelml.instrumentation.torch.training import patch as training

    def off() -> None:
        patch.switch_off()
        training.switch_off()

    def on() -> None:
        patch.switch_on()
        training.switch_on()

    off()
    variants = {"bare": Variant(call), "bare again": Variant(call), "otelml": Variant(call, begin=on, end=off)}
    return subject(variants, 12 if shape == "large" else 600, 3)


def torchtel(shape: str) -> Subject:
    """The same with torchtel, which has to be given the model."""
    instrumentor: Any = import_module("torchtel").PyTorchInstrumentor()
    return _subject(Sdk(), shape, lambda net: instrumentor.instrument(model=net))


def profiler(shape: str) -> Subject:
    """The same under torch.profiler, which records the operations of the CPU."""
    import torch

    profiled = _subject(Sdk(), shape)
    profiled.around = lambda: torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
    return profiled


def _subject(sdk: Sdk, shape: str, instrument: Callable[[Any], object] = lambda _net: None) -> Subject:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = 0
    batch, width, momentum = _STEPS[shape]
    net = _mlp(width)
    instrument(net)
    # The loop never converges: steps whose gradients vanish are followed closely.
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-6, momentum=momentum)
    step = _loaded(net, optimizer, batch) if shape == "loader" else _plain(net, optimizer, batch)

    def counted(_: Any) -> None:
        nonlocal steps
        steps += 1
        step()

    def facts() -> Facts:
        counted_steps = sum(point.data.value for point in sdk.points("ml.training.steps"))
        return {"steps": steps, "counted": counted_steps}

    return Subject(counted, facts=facts)


_STEPS = {"small": (32, 96, 0.9), "loader": (32, 96, 0.9), "smallest": (8, 64, 0.0), "large": (320, 512, 0.0)}
"""The rows of a batch, the width of the layers, and the optimizer's momentum."""


def _mlp(width: int) -> Any:
    from torch import nn

    return nn.Sequential(
        *(nn.Linear(32, width), nn.ReLU(), nn.Linear(width, width)),
        *(nn.ReLU(), nn.Linear(width, width), nn.Linear(width, 4)),
    )


def _plain(net: Any, optimizer: Any, batch: int) -> Callable[[], None]:
    import torch

    x, y = torch.randn(batch, 32), torch.randint(0, 4, (batch,))

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    return step


def _loaded(net: Any, optimizer: Any, batch: int) -> Callable[[], None]:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    data = DataLoader(TensorDataset(torch.randn(4096, 32), torch.randint(0, 4, (4096,))), batch_size=batch)
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


_TORCHTEL = "torchtel 0.0.3"
_SUBJECTS = {
    "bare": "bare",
    "bare again": "bare",
    "otelml": "otelml",
    "torch.profiler": "profiler",
    _TORCHTEL: "torchtel",
}


_SHAPES: tuple[tuple[str, str, float | None, Size, int], ...] = (
    ("small", "A plain step of a small model", 1.08, Size(5, 10, 500), 80),
    ("loader", "The same with a DataLoader", 1.08, Size(3, 6, 300), 60),
    ("smallest", "A step that is nearly all overhead", None, Size(3, 6, 500), 60),
    ("large", "A step of 10 ms or more", 1.005, Size(3, 6, 20, 3), 240),
)
"""Name, title, limit, how much is measured in processes of their own, and rounds in one."""


def _measured(shape: str, names: tuple[str, ...], size: Size, peer: Mapping[str, str] | None) -> Measurement:
    contenders = [
        Contender(
            name,
            f"{_HERE}:{_SUBJECTS[name]}",
            {"shape": shape},
            environment=(peer or {}) if name == _TORCHTEL else {},
        )
        for name in names
    ]
    return measure(contenders, size)


def _peer() -> tuple[Mapping[str, str] | None, list[str]]:
    try:
        return {"PYTHONPATH": os.pathsep.join((str(ROOT), peers.folder_of("torchtel")))}, []
    except peers.Unavailable as reason:
        return None, [f"torchtel is left out: {reason}."]


def run(quick: bool) -> Report:
    """Measure each kind of steps."""
    tables: list[Table] = []
    checks: list[Check] = []
    rows: list[list[str]] = []
    peer, notes = _peer()
    others = ("torch.profiler", _TORCHTEL) if peer is not None else ("torch.profiler",)
    for shape, title, limit, size, rounds in _SHAPES:
        names = ("bare", "bare again", "otelml", *(others if shape == "small" else ()))
        measured = _measured(shape, names, Size(1, 2, 20, 5) if quick else size, peer)
        tables.append(ratio_table(title, measured))
        told = measured.facts["otelml"]
        counted, steps = told["counted"], told["steps"]
        checks.append(Check(f"steps counted, {shape}", f"{counted:g}", f"{steps}", counted == steps))
        turns = alternating_rounds(f"{_HERE}:alternating", {"shape": shape}, 3 if quick else rounds)
        rows += turns.rows(title, ("bare again", "otelml"))
        if limit is not None:
            checks.append(held(title, turns.ratio("otelml"), limit))
    tables.append(Table("", HEADER, rows))
    return Report(
        title="Training steps of PyTorch",
        about="An MLP on one thread of the CPU, with SGD and momentum, outside any span; a call is a "
        "step. `bare again` shows how far processes of the same program are apart. The limits are held against the "
        "last table: one process that takes the hooks off and puts them back, the CPU time of the thread, the median "
        "over rounds of turns and, in brackets, its 95% interval. torchtel makes a span for each phase of a step, and "
        "is given the model.",
        tables=tables,
        checks=checks,
        notes=notes,
    )
