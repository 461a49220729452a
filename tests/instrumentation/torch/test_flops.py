"""The operations of a model, counted without its data, and what is reported of them."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from otelml.instrumentation.torch.flops import Flops, operations
from otelml.instrumentation.torch.peak_rates import TF32, kind_of, peak_rate
from otelml.observations.training import StepTimes, TrainingStep
from otelml.telemetry import Telemetry
from otelml.telemetry.training.flops import ModelFlops, TrainingFlops
from otelml.telemetry.training.series import TrainingSeries
from tests.support.telemetry import Telemetry as Recorded


def trained(series: TrainingSeries) -> Any:
    """A model whose steps are counted in a series."""
    return SimpleNamespace(run=SimpleNamespace(series=series, collect=lambda: None))


NET = {"ml.system.name": "pytorch", "ml.model.name": "Net"}


class Remembering(nn.Module):
    """Counts its calls, keeps what it has seen, draws random numbers, and has a layer that drops."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, dropout=0.5)
        self.scale = torch.ones(1)
        self.calls = 0
        self.seen: list[Tensor] = []

    def forward(self, input_ids: Tensor) -> dict[str, Any]:
        self.calls += 1
        random.random()
        np.random.rand()
        hidden = self.layer(self.embedding(input_ids)) * self.scale
        self.seen.append(hidden)
        return {"logits": hidden, "name": "x"}


MODELS: dict[str, tuple[nn.Module, Tensor]] = {
    "linear": (nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), torch.randn(6, 4)),
    "convolution": (nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten()), torch.randn(5, 3, 8, 8)),
    "attention": (Remembering(), torch.randint(0, 50, (2, 7))),
    "frozen": (nn.Sequential(nn.Linear(4, 8).requires_grad_(False), nn.Linear(8, 2)), torch.randn(6, 4)),
}


@pytest.mark.parametrize("name", MODELS)
def test_operations_are_those_of_the_real_passes(name: str) -> None:
    """What is counted without data is what PyTorch's own counter finds in a real forward and backward pass."""
    module, given = MODELS[name]
    counted = operations(module, (given,), {})
    with FlopCounterMode(display=False) as real:
        result = module(given)
        (result["logits"] if isinstance(result, dict) else result).sum().backward()
    assert counted == real.get_total_flops() > 0


def test_a_model_and_its_random_numbers_stay_as_they_are() -> None:
    """Nothing of the module changes, no hook of it runs, and the same random numbers are drawn as without."""
    module, given = Remembering(), torch.randint(0, 50, (2, 7))
    shown: list[object] = []
    module.layer.register_forward_hook(lambda *seen: shown.append(seen))
    before = {key: value.clone() for key, value in module.state_dict().items()}
    states = (torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index]
    operations(module, (given,), {})
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]  # type: ignore[index]
    assert (module.calls, module.seen, shown) == (0, [], [])
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_tokens_are_the_unit_of_a_language_model(telemetry: Recorded) -> None:
    """A model with tokens is counted for a token, so that batches of other lengths count as they should."""
    reported = TrainingFlops(Telemetry("test", **telemetry.providers))
    series = TrainingSeries(NET)
    module, given = Remembering(), torch.randint(0, 50, (2, 7))
    Flops(reported).sees(trained(series), module, (given,), {})
    series.add_step(TrainingStep(StepTimes(0, 10, 0, 0, 0), samples=4, tokens=28, microbatches=1))
    assert telemetry.point("ml.training.flops", NET).value == 2 * operations(module, (given,), {})


def test_a_model_that_depends_on_its_data_is_left_alone(telemetry: Recorded, caplog: pytest.LogCaptureFixture) -> None:
    """What can't be counted is told once, in the log, and has no value."""

    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.layer(x)
            return out if out.sum().item() > 0 else -out

    flops = Flops(TrainingFlops(Telemetry("test", **telemetry.providers)))
    series = TrainingSeries(NET)
    module = Branching()
    for _ in range(3):
        flops.sees(trained(series), module, (torch.randn(6, 4),), {})
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "The operations of Branching cannot be counted"
    ]
    series.add_step(TrainingStep(StepTimes(0, 10, 0, 0, 0), samples=6, tokens=0, microbatches=1))
    assert telemetry.points("ml.training.flops") == []


def test_utilization_is_of_the_steps_since_it_was_read(telemetry: Recorded) -> None:
    """The share of the peak rate, over the time of the steps between two readings; none where there was no step."""
    reported = TrainingFlops(Telemetry("test", **telemetry.providers))
    series, unknown = TrainingSeries(NET), TrainingSeries({**NET, "ml.model.name": "on CPU"})
    reported.add(trained(series), ModelFlops(1e9, "samples", peak=1e12))
    reported.add(trained(unknown), ModelFlops(1e9, "samples"))
    for counted in (series, unknown):
        counted.add_step(TrainingStep(StepTimes(0, 10**9, 0, 0, 0), samples=500, tokens=0, microbatches=1))
    assert telemetry.point("ml.training.mfu").value == pytest.approx(0.5)
    series.add_step(TrainingStep(StepTimes(10**9, 0, 10**9, 0, 0), samples=200, tokens=0, microbatches=1))
    assert telemetry.point("ml.training.mfu", NET).value == pytest.approx(0.1)
    assert telemetry.point("ml.training.flops", NET).value == 700 * 10**9
    assert telemetry.point("ml.training.flops", {"ml.model.name": "on CPU"}).value == 500 * 10**9


@pytest.mark.parametrize(
    ("device", "kind", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", "bfloat16", 989.5),
        ("NVIDIA H100 PCIe", "bfloat16", 756),
        ("NVIDIA H200", "float16", 989.5),
        ("NVIDIA A100-SXM4-80GB", TF32, 156),
        ("NVIDIA L4", "bfloat16", 121),
        ("NVIDIA L40S", "bfloat16", 362),
        ("Tesla T4", "float16", 65),
        ("Tesla T4", TF32, 8.1),
        ("Tesla V100-SXM2-16GB", "float16", 125),
        ("Tesla V100-PCIE-32GB", "float16", 112),
        ("NVIDIA B200", "bfloat16", 2250),
        ("NVIDIA B200", TF32, 1100),
        ("NVIDIA GB200", "bfloat16", 2500),
        ("NVIDIA H100 NVL", "bfloat16", 835.5),
        ("AMD Instinct MI300X", "bfloat16", 1307.4),
    ],
)
def test_peak_rates(device: str, kind: str, teraflops: float) -> None:
    """A device is found by the name that its driver gives it, with the dense rate of the data sheet."""
    assert peak_rate(device, kind) == pytest.approx(teraflops * 1e12)


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        ("NVIDIA A10G", "bfloat16"),
        ("NVIDIA H200 NVL", "bfloat16"),
        ("Tesla V100S-PCIE-32GB", "float16"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bfloat16"),
        ("Tesla T4", "bfloat16"),
        ("NVIDIA H100 80GB HBM3", "float64"),
    ],
)
def test_no_rate_is_guessed(device: str, kind: str) -> None:
    """A device that only resembles a known one, a part of one, and a type that it lacks have no rate."""
    assert peak_rate(device, kind) is None


def test_products_of_floats_may_use_tensor_cores() -> None:
    """With the precision lowered, 32-bit products have another peak."""
    assert kind_of(torch.float32) == "float32"
    assert kind_of(torch.bfloat16) == "bfloat16"
    torch.set_float32_matmul_precision("high")
    try:
        assert kind_of(torch.float32) == TF32
    finally:
        torch.set_float32_matmul_precision("highest")
