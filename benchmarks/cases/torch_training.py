"""Training steps of PyTorch: one that is nearly all overhead, one with a data loader, and one of 10 ms."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping
from importlib import import_module
from time import thread_time_ns
from typing import Any

from benchmarks import peers
from benchmarks.harness import ROOT, Contender, Measurement, Size, Spread, measure
from benchmarks.report import Check, Report, Table, Target, check, limit_text, ratio_table, ratio_text
from benchmarks.sdk import Sdk
from benchmarks.subject import Facts, Subject

_HERE = "benchmarks.cases.torch_training"

_TURN = 5
"""Steps in a turn of a process that alternates."""

_LARGE = 1.005
"""What a step of 10 ms may take, to bare."""


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
    """One process that makes a few steps with the hooks, a few without them, and so on: a call is a pair of turns."""
    from otelml import instrument

    sdk = Sdk()
    instrument()
    subject = _subject(sdk, shape)
    from otelml.instrumentation.torch import patch  # once PyTorch is imported
    from otelml.instrumentation.torch.training import patch as training

    turns: dict[bool, list[float]] = {True: [], False: []}

    def turn(*, hooked: bool) -> None:
        for each in (patch, training):
            (each.switch_on if hooked else each.switch_off)()
        subject.call(None)
        began = thread_time_ns()
        for _ in range(_TURN):
            subject.call(None)
        turns[hooked].append((thread_time_ns() - began) / _TURN)

    def pair(_: Any) -> None:
        first = len(turns[True]) % 2 == 0
        turn(hooked=first)
        turn(hooked=not first)

    def facts() -> Facts:
        pairs = list(zip(turns[True], turns[False], strict=True))
        return {
            "bare": statistics.median(turns[False]),
            "ratio": _median([hooked / plain for hooked, plain in pairs]),
            "added": _median([hooked - plain for hooked, plain in pairs]),
        }

    return Subject(pair, facts=facts)


def _median(values: list[float]) -> Spread:
    """The median, with the order statistics that enclose it with 95% confidence (by the normal approximation)."""
    ordered, half = sorted(values), 0.98 * len(values) ** 0.5
    middle = len(ordered) / 2
    lower, upper = max(int(middle - half), 0), min(int(middle + half), len(ordered) - 1)
    return Spread(statistics.median(ordered), ordered[lower], ordered[upper])


def torchtel(shape: str) -> Subject:
    """The same with torchtel, which has to be given the model."""
    instrumentor: Any = import_module("torchtel").PyTorchInstrumentor()
    return _subject(Sdk(), shape, lambda net: instrumentor.instrument(model=net))


def profiler(shape: str) -> Subject:
    """The same under torch.profiler, which records the operations of the CPU."""
    import torch

    subject = _subject(Sdk(), shape)
    subject.around = lambda: torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
    return subject


def _subject(sdk: Sdk, shape: str, instrument: Callable[[Any], object] = lambda _net: None) -> Subject:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = 0
    batch, width = (256, 512) if shape == "large" else (8, 64)
    net = _mlp(width)
    instrument(net)
    step = _loaded(net) if shape == "loader" else _plain(net, batch)

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


def _plain(net: Any, batch: int) -> Callable[[], None]:
    import torch

    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y = torch.randn(batch, 32), torch.randint(0, 4, (batch,))

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    return step


def _loaded(net: Any) -> Callable[[], None]:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

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


_TORCHTEL = "torchtel 0.0.3"
_SUBJECTS = {
    "bare": "bare",
    "bare again": "bare",
    "otelml": "otelml",
    "torch.profiler": "profiler",
    _TORCHTEL: "torchtel",
}


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


def _alternated(size: Size) -> Facts:
    contender = Contender("otelml", f"{_HERE}:alternating", {"shape": "large"})
    return measure([contender], size).facts["otelml"]


def _peer() -> tuple[Mapping[str, str] | None, list[str]]:
    try:
        return {"PYTHONPATH": os.pathsep.join((str(ROOT), peers.folder_of("torchtel")))}, []
    except peers.Unavailable as reason:
        return None, [f"torchtel is left out: {reason}."]


def run(quick: bool) -> Report:
    """Measure three kinds of steps."""
    tables: list[Table] = []
    checks: list[Check] = []
    peer, notes = _peer()
    others = ("torch.profiler", _TORCHTEL) if peer is not None else ("torch.profiler",)
    for shape, title, limit, size in (
        ("small", "A plain step of a small model", 1.08, Size(5, 10, 500)),
        ("loader", "The same with a DataLoader", 1.05, Size(5, 10, 300)),
        ("large", "A step of 10 ms or more", None, Size(5, 10, 20, 3)),
    ):
        names = ("bare", "bare again", "otelml", *(others if shape == "small" else ()))
        measured = _measured(shape, names, Size(1, 2, 20, 5) if quick else size, peer)
        tables.append(ratio_table(title, measured))
        if limit is not None:
            checks += check(measured, [Target("otelml", "mean", limit)], title)
        told = measured.facts["otelml"]
        counted, steps = told["counted"], told["steps"]
        checks.append(Check(f"steps counted, {shape}", f"{counted:g}", f"{steps}", counted == steps))
    title = "A step of 10 ms or more, with and without the hooks in one process"
    told = _alternated(Size(1, 1, 3, 1) if quick else Size(1, 9, 32, 2))
    ratio, added = Spread(*told["ratio"]), Spread(*told["added"])
    row = ["otelml", f"{told['bare'] / 1e3:.1f}", ratio_text(ratio), " ".join(f"{each / 1e3:.1f}" for each in added)]
    tables.append(Table(title, ["", "us a bare step", "to bare", "us added (median, interval)"], [row]))
    checks.append(Check(title, ratio_text(ratio), f"<= {limit_text(_LARGE)}", ratio.median <= _LARGE))
    return Report(
        title="Training steps of PyTorch",
        about="An MLP with SGD on one thread of the CPU, outside any span; a call is a step. `bare again` shows how "
        "far processes of the same program are apart, which is more than half a percent; so a step of 10 ms is also "
        "measured in one process that takes the hooks off and puts them back after every few steps: the CPU time of "
        "the thread, the median over pairs of turns and, in brackets, its 95% interval. torchtel makes a span for each "
        "phase of a step, and is given the model.",
        tables=tables,
        checks=checks,
        notes=notes,
    )
