"""Mixed precision: the loss that is told is not the scaled one, and updates that are left out are told."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.instrumentation.torch.training.loops import Net, loader
from tests.support.telemetry import Telemetry


@pytest.mark.parametrize("fused", [False, True])
def test_updates_left_out_are_no_steps(telemetry: Telemetry, fused: bool) -> None:
    """An update that the scaler, or the fused optimizer itself, leaves out is counted as skipped."""
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for number, (x, y) in enumerate(loader(32, 8)):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        scaler.scale(loss).backward()
        if number == 1:
            next(net.parameters()).grad.fill_(torch.inf)  # type: ignore[union-attr]
        scaler.step(optimizer)
        scaler.update()
    assert telemetry.point("ml.training.steps").value == 3
    assert telemetry.point("ml.training.skipped_steps").value == 1
    assert telemetry.point("ml.training.samples").value == 32
    assert telemetry.point("ml.training.loss").value == pytest.approx(loss.item())
    assert telemetry.points("ml.training.anomalies") == []


@pytest.mark.parametrize("unscaled", [False, True])
def test_norm_of_scaled_gradients_is_not_told(telemetry: Telemetry, unscaled: bool) -> None:
    """The norm that clipping returns is taken once the gradients are unscaled, and else it is left out."""
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=65536.0)
    x, y = next(iter(loader()))
    scaler.scale(nn.functional.cross_entropy(net(x), y)).backward()
    if unscaled:
        scaler.unscale_(optimizer)
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    scaler.step(optimizer)
    told = telemetry.points("ml.training.gradient.norm")
    if unscaled:
        assert [point.value for point in told] == [pytest.approx(norm.item())]
    else:
        assert [point.value for point in told if point.value > 100] == []


def test_scaler_that_is_off(telemetry: Telemetry) -> None:
    """A disabled scaler changes nothing."""
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    for x, y in loader():
        scaler.scale(nn.functional.cross_entropy(net(x), y)).backward()
        scaler.step(optimizer)
        scaler.update()
    assert telemetry.point("ml.training.steps").value == 3
    assert telemetry.points("ml.training.skipped_steps") == []
