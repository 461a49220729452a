"""Who a module is, through what is put around it."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.optim.swa_utils import AveragedModel

import otelml
from otelml.instrumentation.torch.identity import identity, unwrapped
from otelml.observations import PROFILE_ATTRIBUTE
from otelml.semconv import attributes as names
from tests.instrumentation.torch.modules import ROWS, Net, infer
from tests.support.telemetry import Telemetry


def _scripted(module: nn.Module) -> Any:
    return torch.jit.trace(module.eval(), ROWS)


def _checkpointed(module: nn.Module) -> Any:
    from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

    return checkpoint_wrapper(module)


def _adapted(module: nn.Module) -> Any:
    peft = pytest.importorskip("peft")
    return peft.get_peft_model(module, peft.LoraConfig(r=2, target_modules=["head"]))


WRAPPERS: dict[str, Callable[[nn.Module], Any]] = {
    "compiled": lambda module: torch.compile(module, backend="eager"),
    "data parallel": nn.DataParallel,
    "averaged": AveragedModel,
    "checkpointed": _checkpointed,
    "adapted": _adapted,
    "two of them": lambda module: torch.compile(AveragedModel(module), backend="eager"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_wrappers_are_looked_through(wrap: Callable[[nn.Module], Any]) -> None:
    """The name is that of the module that does the work, or the one given to it, or the one given to the wrapper."""
    model = Net()
    assert identity(wrap(model)).name == "Net"
    assert type(unwrapped(wrap(model))) is Net
    wrapped = wrap(otelml.describe(model, name="churn", version=1))
    assert (identity(wrapped).name, identity(wrapped).version, identity(wrapped).architecture) == ("churn", "1", "Net")
    otelml.describe(wrapped, name="churn 2")
    assert (identity(wrapped).name, identity(wrapped).architecture) == ("churn 2", "Net")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_classes_that_are_replaced() -> None:
    """A class that a parametrization put in place of another, and what TorchScript makes of one, keep their names."""
    assert identity(parametrizations.weight_norm(nn.Linear(4, 4))).name == "Linear"
    assert identity(_scripted(Net())).name == "Net"


@pytest.mark.usefixtures("hooked")
def test_describe_is_heard_at_once(telemetry: Telemetry) -> None:
    """A module that was called before bears the name from then on, also where another one around it was described."""
    model = Net()
    compiled = torch.compile(model, backend="eager")
    infer(compiled, ROWS)
    otelml.describe(model, name="churn", version=3)
    infer(compiled, ROWS)
    assert [span.name for span in telemetry.spans] == ["predict Net", "predict churn"]
    assert telemetry.point("ml.inference.calls", {names.ML_MODEL_VERSION: "3"}).value == 1


def test_description_is_one_for_a_module_and_its_compiled_form() -> None:
    """What is said of either adds to what was said before of the other, and both tell all of it."""
    model = Net()
    compiled: Any = torch.compile(model, backend="eager")
    otelml.describe(model, name="churn", version=3)
    otelml.describe(compiled, task="classification")
    for asked in (model, compiled):
        known = identity(asked)
        assert (known.name, known.version, known.task) == ("churn", "3", "classification")
    otelml.describe(compiled, version=4)
    otelml.describe(model, name="churn 2")
    for asked in (model, compiled):
        known = identity(asked)
        assert (known.name, known.version, known.task) == ("churn 2", "4", "classification")


@pytest.mark.usefixtures("hooked")
def test_compiled_form_is_described_after_its_first_call(telemetry: Telemetry) -> None:
    """The calls of a module that was called before bear what was said of its compiled form, and of either later."""
    model = Net()
    compiled: Any = torch.compile(model, backend="eager")
    infer(model, ROWS)
    infer(compiled, ROWS)
    otelml.describe(compiled, name="churn")
    infer(model, ROWS)
    infer(compiled, ROWS)
    assert [span.name for span in telemetry.spans] == ["predict Net", "predict Net", "predict churn", "predict churn"]


def test_description_is_on_no_tensor() -> None:
    """It is an attribute like any other: state, parameters and what is printed are as before, copies have it."""
    plain, described = Net(), otelml.describe(Net(), name="churn", task="classification")
    assert list(described.state_dict()) == list(plain.state_dict())
    assert repr(described) == repr(plain)
    assert dict(described.named_buffers()) == {}
    file = io.BytesIO()
    torch.save(described, file)
    file.seek(0)
    for copied in (
        copy.deepcopy(described),
        pickle.loads(pickle.dumps(described)),
        torch.load(file, weights_only=False),
        described.half(),
    ):
        assert identity(copied).name == "churn"
    state = io.BytesIO()
    torch.save(described.state_dict(), state)
    state.seek(0)
    plain.load_state_dict(torch.load(state, weights_only=True))
    assert PROFILE_ATTRIBUTE not in vars(plain)
