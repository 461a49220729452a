"""The operations of the models that plain loops train."""

from __future__ import annotations

import pytest
import torch

from otelml.instrumentation.torch.flops import operations
from otelml.instrumentation.torch.peak_rates import peak_rate
from tests.instrumentation.torch.training.loops import FEATURES, Net, loader, sgd, train
from tests.support.telemetry import Telemetry


def trained(compiled: bool) -> list[float]:
    """The losses of a loop."""
    torch.manual_seed(1)
    net = Net()
    called: torch.nn.Module = torch.compile(net, backend="eager") if compiled else net  # type: ignore[assignment]
    return train(called, loader(), sgd(net), epochs=2)


@pytest.mark.parametrize("options", [{"torch_flops": True}])
@pytest.mark.parametrize("compiled", [False, True])
def test_operations_of_all_samples_are_told(telemetry: Telemetry, compiled: bool) -> None:
    """Each sample counts with what a forward and backward pass needs, compiled or not; on CPU there is no MFU."""
    trained(compiled)
    of_a_batch = operations(Net(), (torch.randn(8, FEATURES),), {})
    assert telemetry.point("ml.training.flops", {"ml.model.name": "Net"}).value == of_a_batch / 8 * 40
    assert telemetry.points("ml.training.mfu") == []
    assert telemetry.point("ml.training.steps").value == 6
    assert telemetry.points("ml.inference.calls") == []


@pytest.mark.parametrize("options", [{"torch_flops": True}])
def test_counting_changes_no_result(telemetry: Telemetry) -> None:
    """The losses are the same, to the bit, as those of a loop that is not counted."""
    counted = trained(False)
    assert telemetry.total("ml.training.flops") > 0
    assert counted == trained(False)


def test_without_the_setting_nothing_is_counted(telemetry: Telemetry) -> None:
    """Counting is for those who ask for it."""
    trained(False)
    assert telemetry.points("ml.training.flops") == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that this PyTorch can use")
@pytest.mark.parametrize("options", [{"torch_flops": True}])
def test_the_share_of_the_peak_is_a_share(telemetry: Telemetry) -> None:
    """On a GPU of the table the share is above 0 and below 1; on another one there is none."""
    net = torch.nn.Sequential(*(torch.nn.Linear(2048, 2048) for _ in range(4))).to("cuda", torch.bfloat16)
    optimizer = sgd(net)
    x = torch.randn(4096, 2048, device="cuda", dtype=torch.bfloat16)
    for _ in range(30):
        net(x).sum().backward()
        optimizer.step()
    torch.cuda.synchronize()
    net(x).sum().backward()
    optimizer.step()
    shares = telemetry.points("ml.training.mfu")
    known = peak_rate(torch.cuda.get_device_name(), "bfloat16") is not None
    assert [0 < point.value < 1 for point in shares] == [True] * known
