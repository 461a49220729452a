"""Forwards of PyTorch modules: one that is nearly all overhead, and one with many modules inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.alternating import HEADER, Variant, rounds
from benchmarks.alternating import subject as turns_of
from benchmarks.harness import Contender, Size, measure
from benchmarks.report import Check, Report, Table, held, ratio_table
from benchmarks.sdk import Sdk
from benchmarks.subject import Facts, Subject

_HERE = "benchmarks.cases.torch_forward"


def bare(model: str) -> Subject:
    """The call alone."""
    return _subject(Sdk(), model)


def otelml(model: str) -> Subject:
    """The same with otelml."""
    from otelml import instrument

    sdk = Sdk()
    instrument()
    return _subject(sdk, model)


def alternating(model: str) -> Subject:
    """The calls with the hook and without it, in one process."""
    from otelml import instrument

    sdk = Sdk()
    instrument()
    call = _subject(sdk, model).call
    from otelml.instrumentation.torch import patch  # once PyTorch is imported

    patch.switch_off()
    ours = Variant(call, begin=patch.switch_on, end=patch.switch_off)
    return turns_of({"bare": Variant(call), "bare again": Variant(call), "otelml": ours}, _CHUNKS[model])


def global_hooks(model: str) -> Subject:
    """The same with a pair of global module hooks that do nothing, the way that PyTorch documents for profilers."""
    from torch.nn.modules import module

    subject = _subject(Sdk(), model)
    module.register_module_forward_pre_hook(lambda *_: None)
    module.register_module_forward_hook(lambda *_: None)
    return subject


def profiler(model: str) -> Subject:
    """The same under torch.profiler, which records the operations of the CPU."""
    import torch

    subject = _subject(Sdk(), model)
    subject.around = lambda: torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
    return subject


def _subject(sdk: Sdk, model: str) -> Subject:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    module, rows = _MODELS[model]()
    module.eval()
    calls = 0

    def call(_: Any) -> None:
        nonlocal calls
        calls += 1
        with torch.inference_mode():
            module(rows)

    def facts() -> Facts:
        counted = sum(point.data.value for point in sdk.points("ml.inference.calls"))
        return {"calls": calls, "counted": counted, "spans": sdk.spans()[0]}

    return Subject(call, facts=facts)


def _small() -> Any:
    import torch
    from torch import nn

    layers = (nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    return nn.Sequential(*layers, nn.Softmax(1)), torch.randn(8, 32)


def _deep() -> Any:
    import torch
    from torch import nn

    blocks = [nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64)) for _ in range(36)]
    return nn.Sequential(*blocks, nn.Linear(64, 4)), torch.randn(8, 64)


_MODELS: dict[str, Callable[[], Any]] = {"small": _small, "deep": _deep}
_TITLES = {"small": "MLP of 7 modules", "deep": "MLP of 146 modules"}
_LIMITS = {"small": 1.16, "deep": 1.05}
_CHUNKS = {"small": 1000, "deep": 50}
_OTHERS = ("profiler", "global_hooks")


def run(quick: bool) -> Report:
    """Measure both models."""
    tables: list[Table] = []
    checks: list[Check] = []
    alone: list[list[str]] = []
    for model, title in _TITLES.items():
        contenders = [
            Contender(name.replace("_", " "), f"{_HERE}:{name}", {"model": model})
            for name in ("bare", "otelml", *_OTHERS)
        ]
        measured = measure(contenders, Size(1, 2, 50) if quick else Size(6, 8, _CHUNKS[model]))
        tables.append(ratio_table(title, measured))
        turns = rounds(f"{_HERE}:alternating", {"model": model}, 3 if quick else 300)
        alone += turns.rows(title, ("bare again", "otelml"))
        checks.append(held(f"{title}, otelml, mean to bare", turns.ratio("otelml"), _LIMITS[model]))
    return Report(
        title="Forward of PyTorch modules",
        about="Calls in a tight loop on the CPU with one thread, in inference mode, no span around them, budget 3%. "
        "`global hooks` are a pair of PyTorch's own that do nothing. The limits are held against the last table: one "
        "process that takes the hook off and puts it back, medians and 95% intervals.",
        tables=[*tables, Table("", HEADER, alone)],
        checks=checks,
    )
