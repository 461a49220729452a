"""Checkpoints of `torch.distributed.checkpoint`, here of one process."""

from __future__ import annotations

import copy
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from otelml.instrumentation.torch import TorchInstrumentor
from otelml.settings import resolve
from tests.instrumentation.torch.training.loops import Net, loader, sgd, train
from tests.support.telemetry import Telemetry

dcp: Any = import_module("torch.distributed.checkpoint")

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled:UserWarning")


def told(telemetry: Telemetry) -> list[tuple[Any, ...]]:
    """What the events of checkpoints say: operation, mode, step, error."""
    names = (
        "ml.training.checkpoint.operation",
        "ml.training.checkpoint.mode",
        "ml.training.step.index",
        "error.type",
    )
    events = [event.attributes for event in telemetry.events if event.name == "ml.training.checkpoint"]
    return [tuple(attributes.get(name) for name in names) for attributes in events]


def state_of(net: Net, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """What a loop saves."""
    return {"net": net.state_dict(), "optimizer": optimizer.state_dict()}


def test_saves_and_loads_are_told_once(telemetry: Telemetry, tmp_path: Path) -> None:
    """Each is one checkpoint, whatever is written with `torch.save` for it, and gives what it gave."""
    net = Net()
    optimizer = torch.optim.Adam(net.parameters())
    train(net, loader(), optimizer)
    whole = dcp.DefaultSavePlanner(flatten_state_dict=False)
    metadata = dcp.save(state_of(net, optimizer), checkpoint_id=tmp_path / "1", planner=whole, no_dist=True)
    dcp.save(state_of(net, optimizer), checkpoint_id=tmp_path / "2", no_dist=True)
    loaded = copy.deepcopy(state_of(Net(), optimizer))
    assert dcp.load(loaded, checkpoint_id=tmp_path / "2", no_dist=True) is None
    assert all(torch.equal(loaded["net"][name], value) for name, value in net.state_dict().items())
    assert metadata.state_dict_metadata.keys() == {"net", "optimizer"}
    assert told(telemetry) == [("save", "sync", 3, None), ("save", "sync", 3, None), ("load", "sync", 3, None)]
    point = telemetry.point("ml.training.checkpoint.duration", {"ml.training.checkpoint.operation": "save"})
    assert (point.count, point.attributes["ml.training.checkpoint.mode"]) == (2, "sync")


def test_save_in_the_background_is_told_when_it_is_complete(telemetry: Telemetry, tmp_path: Path) -> None:
    """Training goes on meanwhile; the duration lasts until the checkpoint is there."""
    net = Net()
    optimizer = sgd(net)
    train(net, loader(), optimizer)
    future = dcp.async_save(state_of(net, optimizer), checkpoint_id=tmp_path / "1", no_dist=True)
    train(net, loader(), optimizer)
    getattr(future, "upload_completion", future).result()
    assert (tmp_path / "1" / ".metadata").exists()
    assert [it[:2] for it in told(telemetry)] == [("save", "async")]
    assert telemetry.point("ml.training.checkpoint.duration", {"ml.training.checkpoint.mode": "async"}).count == 1


def test_save_that_fails(telemetry: Telemetry, tmp_path: Path) -> None:
    """The application gets its error, at once or from the future, and telemetry has it."""
    net = Net()
    train(net, loader(), sgd(net))
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - PyTorch's `CheckpointException` is none of `Exception`
        dcp.save({"net": net.state_dict()}, checkpoint_id=nowhere / "1", no_dist=True)
    future = dcp.async_save({"net": net.state_dict()}, checkpoint_id=nowhere / "2", no_dist=True)
    error = getattr(future, "upload_completion", future).exception()
    assert [it[:2] for it in told(telemetry)] == [("save", "sync"), ("save", "async")]
    assert [it[3] for it in told(telemetry)] == [_name(raised.value), _name(error)]


def _name(error: BaseException | None) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def test_checkpoint_that_training_goes_on_from(
    telemetry: Telemetry, instrumented: TorchInstrumentor, tmp_path: Path
) -> None:
    """What was loaded before the first step is told with the run."""
    instrumented.uninstrument()
    dcp.save({"net": Net().state_dict()}, checkpoint_id=tmp_path, no_dist=True)
    instrumented.instrument(**telemetry.providers, settings=resolve({}, {}))
    net = Net()
    state = {"net": net.state_dict()}
    dcp.load(state, checkpoint_id=tmp_path, no_dist=True)
    assert told(telemetry) == []
    train(net, loader(), sgd(net))
    assert told(telemetry) == [("load", "sync", 0, None)]


def test_functions_look_as_before() -> None:
    """They are found by pickle, under both names."""
    saver = import_module("torch.distributed.checkpoint.state_dict_saver")
    assert dcp.save is saver.save
    for function in (dcp.save, dcp.async_save, dcp.load):
        assert hasattr(function, "__wrapped__")
        assert pickle.loads(pickle.dumps(function)) is function
