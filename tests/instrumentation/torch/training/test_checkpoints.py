"""Checkpoints that are written and read."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from tests.instrumentation.torch.training.loops import Net, loader, sgd, train
from tests.support.telemetry import Telemetry


def test_checkpoints_are_told(telemetry: Telemetry, tmp_path: Path) -> None:
    """States of modules and optimizers are checkpoints; what else is saved is not. The path is not told."""
    net = Net()
    optimizer = sgd(net)
    train(net, loader(), optimizer)
    torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 1}, tmp_path / "last.pt")
    torch.save(net.state_dict(), tmp_path / "net.pt")
    torch.save([1, 2, 3], tmp_path / "numbers.pt")
    torch.save({"accuracy": 0.9}, tmp_path / "scores.pt")
    torch.load(tmp_path / "last.pt")
    events = [event for event in telemetry.events if event.name == "ml.training.checkpoint"]
    told = [(event.attributes["ml.training.checkpoint.operation"]) for event in events]
    assert told == ["save", "save", "load"]
    assert {event.attributes["ml.training.step.index"] for event in events} == {3}
    assert telemetry.point("ml.training.checkpoint.duration", {"ml.training.checkpoint.operation": "save"}).count == 2
    assert not [value for event in events for value in event.attributes.values() if str(tmp_path) in str(value)]


def test_checkpoint_that_training_goes_on_from(telemetry: Telemetry, tmp_path: Path) -> None:
    """What was loaded before the first step is told with the run; without training nothing is."""
    torch.save(Net().state_dict(), tmp_path / "net.pt")
    net = Net()
    net.load_state_dict(torch.load(tmp_path / "net.pt"))
    assert telemetry.events == []
    train(net, loader(), sgd(net))
    event = telemetry.event("ml.training.checkpoint")
    assert event.attributes["ml.training.checkpoint.operation"] == "load"
    assert event.attributes["ml.training.step.index"] == 0


def test_checkpoint_that_cannot_be_written(telemetry: Telemetry, tmp_path: Path) -> None:
    """The application gets its error, and telemetry has it."""
    net = Net()
    train(net, loader(), sgd(net))
    with pytest.raises(RuntimeError, match="does not exist"):
        torch.save(net.state_dict(), tmp_path / "nowhere" / "net.pt")
    assert telemetry.event("ml.training.checkpoint").attributes["error.type"] == "RuntimeError"
    assert telemetry.point("ml.training.checkpoint.duration").attributes["error.type"] == "RuntimeError"


def test_saving_and_loading_look_as_before() -> None:
    """The wrapped functions are found by pickle."""
    for function in (torch.save, torch.load, torch.nn.utils.clip_grad_norm_, torch.autograd.backward):
        assert pickle.loads(pickle.dumps(function)) is function
