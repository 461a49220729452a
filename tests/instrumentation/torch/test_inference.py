"""Which calls of modules are inference calls, and what is told of them."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import otelml
from otelml.semconv import attributes as names
from tests.instrumentation.torch.conftest import Instrument
from tests.instrumentation.torch.modules import ROWS, Fixed, Net, infer
from tests.support.telemetry import Telemetry

NET = {names.ML_MODEL_NAME: "Net"}


@pytest.mark.usefixtures("hooked")
def test_outermost_call_counts(telemetry: Telemetry) -> None:
    """A call of a module of modules is one call with one span, told by its class."""
    infer(Net(), ROWS)
    span = telemetry.span()
    assert span.name == "predict Net"
    assert dict(span.attributes) == {
        names.ML_OPERATION_NAME: "predict",
        names.ML_OPERATION_METHOD: "forward",
        names.ML_SYSTEM_NAME: "pytorch",
        names.ML_SYSTEM_VERSION: torch.__version__,
        names.ML_MODEL_NAME: "Net",
        names.ML_MODEL_ARCHITECTURE: "Net",
        names.ML_MODEL_MODE: "eval",
        names.ML_MODEL_DATA_TYPE: "float32",
        names.ML_INPUT_DATA_TYPE: "float32",
        names.ML_INFERENCE_BATCH_SIZE: 5,
        names.ML_INFERENCE_DEVICE: "cpu",
        names.HW_TYPE: "cpu",
        names.CODE_FUNCTION_NAME: "tests.instrumentation.torch.modules.Net.forward",
    }
    assert telemetry.point("ml.inference.calls").value == 1
    assert telemetry.point("ml.inference.samples").value == 5
    assert telemetry.point("ml.inference.duration").count == 1


def test_counts_are_exact_without_recording(instrument: Instrument, telemetry: Telemetry) -> None:
    """With no budget, nothing but the counts is left, and they are exact, over slices and batches of any size."""
    instrument(overhead_budget=0)
    model, sizes = Net(), [1 + number % 7 for number in range(600)]
    for size in sizes:
        infer(model, torch.zeros(size, 4))
    assert telemetry.total("ml.inference.calls", NET) == 600
    assert telemetry.total("ml.inference.samples", NET) == sum(sizes)
    assert telemetry.total("ml.inference.time", NET) > 0
    assert not telemetry.spans


def test_shape(instrument: Instrument, telemetry: Telemetry) -> None:
    """The shape of the input, one number a dimension."""
    instrument(torch_input_shapes=True)
    telemetry.allow(names.ML_INPUT_SHAPE)
    infer(Net(), ROWS)
    assert list(telemetry.span().attributes[names.ML_INPUT_SHAPE]) == [5, 4]


@pytest.mark.usefixtures("hooked")
def test_training_is_no_inference(telemetry: Telemetry) -> None:
    """A call in training mode that gradients are computed of is none; in evaluation mode or without gradients it is."""
    model = Net()
    model(ROWS)
    assert telemetry.total("ml.inference.calls") == 0
    model.eval()(ROWS)
    assert telemetry.total("ml.inference.calls") == 1
    with torch.inference_mode():
        model.train()(ROWS)
    assert telemetry.total("ml.inference.calls") == 2
    assert telemetry.spans[-1].attributes[names.ML_MODEL_MODE] == "train"


@pytest.mark.usefixtures("hooked")
@pytest.mark.filterwarnings("ignore:.*torch.cpu.amp.autocast:FutureWarning")  # in 2.4's own checkpointing
@pytest.mark.parametrize("reentrant", [True, False])
def test_recomputation_is_no_inference(reentrant: bool, telemetry: Telemetry) -> None:
    """A frozen part that activation checkpointing calls again inside `backward` is not called again by anybody."""
    frozen = Net().eval()
    x = ROWS.clone().requires_grad_()
    result = torch.utils.checkpoint.checkpoint(frozen, x, use_reentrant=reentrant)
    before = telemetry.total("ml.inference.calls")
    result.sum().backward()
    assert x.grad is not None
    assert telemetry.total("ml.inference.calls") == before


@pytest.mark.usefixtures("hooked")
def test_what_traces_is_no_call(telemetry: Telemetry) -> None:
    """Tracing, exporting and running on tensors without values are no calls of a model."""
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx

    model = Net().eval()
    with torch.no_grad():
        torch.fx.symbolic_trace(model)
        torch.export.export(model, (ROWS,), strict=False)
        make_fx(model)(ROWS)
        with FakeTensorMode(allow_non_fake_inputs=True) as mode:
            model(mode.from_tensor(ROWS))
        model.to("meta")(ROWS.to("meta"))
    assert telemetry.total("ml.inference.calls") == 0


INPUTS: dict[str, tuple[tuple[Any, ...], dict[str, Any], int | None]] = {
    "keyword": ((), {"input_ids": torch.zeros(3, 7, dtype=torch.int64)}, 3),
    "first of several": ((ROWS, torch.zeros(2, 2)), {}, 5),
    "dict": (({"ids": torch.zeros(4, 2), "mask": torch.zeros(9)},), {}, 4),
    "mapping": ((UserDict(ids=torch.zeros(4, 2)),), {}, 4),
    "list that agrees": (([ROWS, torch.zeros(5, 9)],), {}, 5),
    "list that does not": (([ROWS, torch.zeros(6, 9)],), {}, None),
    "list of images": (([torch.zeros(3, 8, 8), torch.zeros(3, 9, 9)],), {}, None),
    "one sample": ((ROWS[0],), {}, None),
    "number": ((torch.tensor(1.0),), {}, None),
    "no tensor": (("text", 3), {}, None),
    "nothing": ((), {}, None),
    "sparse": ((ROWS.to_sparse(),), {}, 5),
    "jagged": ((torch.nested.nested_tensor([ROWS, ROWS[:2]], layout=torch.jagged),), {}, 2),
    "empty": ((ROWS[:0],), {}, 0),
}


@pytest.mark.parametrize("budget", [0, 1])
@pytest.mark.parametrize(("args", "kwargs", "rows"), INPUTS.values(), ids=INPUTS.keys())
def test_batch_size(
    args: Any, kwargs: Any, rows: int | None, budget: int, instrument: Instrument, telemetry: Telemetry
) -> None:
    """The number of samples where the input tells it, and nothing where it does not, recorded or not."""
    instrument(overhead_budget=budget)
    model = Fixed()
    for _ in range(3):
        infer(model, *args, **kwargs)
    assert telemetry.total("ml.inference.calls") == 3
    assert telemetry.total("ml.inference.samples") == 3 * (rows or 0)
    if budget:
        assert telemetry.spans[0].attributes.get(names.ML_INFERENCE_BATCH_SIZE) == rows


@pytest.mark.usefixtures("hooked")
def test_batch_inside_vmap_is_unknown(telemetry: Telemetry) -> None:
    """Inside `vmap` a module sees one sample, whose first dimension is no batch."""
    with torch.no_grad():
        torch.func.vmap(Fixed(torch.zeros(1)).eval())(torch.zeros(6, 3, 8, 8))
    assert telemetry.total("ml.inference.calls") == 1
    assert telemetry.total("ml.inference.samples") == 0


def test_counters_of_operations_see_the_hosts_only(instrument: Instrument, telemetry: Telemetry) -> None:
    """Whoever counts or intercepts operations sees none of ours, also where classes are counted."""
    instrument()
    model = otelml.describe(Net(), task="classification")
    counted = []
    for each in (Net(), model):
        with FlopCounterMode(display=False) as flops:
            infer(each, ROWS)
        counted.append(flops.get_total_flops())
    assert counted[0] == counted[1] > 0
    assert telemetry.total("ml.inference.calls") == 2


@pytest.mark.parametrize("budget", [0, 1])
def test_forward_that_raises(budget: int, instrument: Instrument, telemetry: Telemetry) -> None:
    """The host gets its exception; the call is counted as an error, with a span and an event."""
    instrument(overhead_budget=budget)
    model = Net()
    for _ in range(2):
        infer(model, ROWS)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        infer(model, ROWS[:, :2])
    failed = {names.ERROR_TYPE: "RuntimeError"}
    assert telemetry.total("ml.inference.calls", failed) == 1
    span = telemetry.spans[-1]
    assert span.status == "ERROR"
    assert span.attributes[names.ERROR_TYPE] == "RuntimeError"
    assert telemetry.event("ml.operation.exception").attributes[names.EXCEPTION_TYPE] == "RuntimeError"
    infer(model, ROWS)
    assert telemetry.total("ml.inference.calls") == 4


@pytest.mark.usefixtures("hooked")
def test_module_that_was_not_initialised(telemetry: Telemetry) -> None:
    """A module whose class forgot to call `super().__init__()` raises as it does without us."""

    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.ready = True

    with torch.no_grad(), pytest.raises(AttributeError):
        Forgetful()(ROWS)
    assert telemetry.total("ml.inference.calls") == telemetry.total(
        "ml.inference.calls", {names.ERROR_TYPE: "AttributeError"}
    )


@pytest.mark.usefixtures("hooked")
def test_modules_are_not_kept(telemetry: Telemetry) -> None:
    """Nothing keeps a module alive that was called."""
    import gc
    import weakref

    model = Net()
    infer(model, ROWS)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert telemetry.total("ml.inference.calls") == 1
