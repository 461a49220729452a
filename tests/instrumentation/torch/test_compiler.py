"""What is told of `torch.compile`: time, graph breaks and recompilations with their reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch._dynamo

import otelml
from otelml.instrumentation.torch import TorchInstrumentor
from otelml.instrumentation.torch.compiler import cause_of
from otelml.semconv import attributes as names
from tests.instrumentation.torch.conftest import Instrument
from tests.instrumentation.torch.modules import ROWS, Net, infer
from tests.support.telemetry import Telemetry


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures("hooked")
def test_compilation(telemetry: Telemetry) -> None:
    """A compiled module's first call is told with its time, in the trace of the call that waited for it."""
    model = torch.compile(otelml.describe(Net(), name="churn", version=1), backend="aot_eager")
    infer(model, ROWS)
    about = {
        names.ML_SYSTEM_NAME: "pytorch",
        names.ML_MODEL_NAME: "churn",
        names.ML_MODEL_VERSION: "1",
        names.ML_COMPILE_PASS: "forward",
    }
    point = telemetry.point("ml.compile.duration")
    assert dict(point.attributes) == about
    assert point.count == 1
    event, span = telemetry.event("ml.compile.result"), telemetry.span()
    assert (event.trace_id, event.span_id, event.severity) == (span.trace_id, span.span_id, 9)
    assert about.items() <= event.attributes.items()
    assert event.attributes[names.CODE_FUNCTION_NAME] == "forward"
    assert event.attributes[names.ML_COMPILE_GRAPH_OPERATION_COUNT] == 3
    assert event.attributes[names.ML_COMPILE_DURATION] == pytest.approx(point.value)
    assert (span.end - span.start) * 1e-9 >= point.value
    infer(model, ROWS)
    assert telemetry.point("ml.compile.duration").count == 1


@pytest.mark.usefixtures("hooked")
def test_backward_is_compiled_too(telemetry: Telemetry) -> None:
    """The pass that computes gradients is told apart, where PyTorch tells it (2.6 and later)."""
    torch.compile(Net(), backend="aot_eager")(ROWS).sum().backward()
    passes = [event.attributes[names.ML_COMPILE_PASS] for event in telemetry.events]
    assert passes == ["forward", "backward"][: len(passes)]
    assert len(passes) == 2 or torch.__version__ < "2.6"


@pytest.mark.usefixtures("hooked")
def test_recompilations(telemetry: Telemetry) -> None:
    """Each is counted by its cause, and its reason is told in PyTorch's words."""
    model = torch.compile(Net(), backend="eager")
    infer(model, ROWS)
    infer(model, ROWS[:2])
    model(ROWS[:3])
    causes = {
        point.attributes[names.ML_COMPILE_RECOMPILE_CAUSE]: point.value
        for point in telemetry.points("ml.compile.recompiles")
    }
    assert causes == {"shape": 1, "gradient": 1}
    assert {event.severity for event in telemetry.events[1:]} == {13}
    reasons = [event.attributes[names.ML_COMPILE_RECOMPILE_REASON] for event in telemetry.events[1:]]
    assert "size mismatch at index 0. expected 5, actual 2" in reasons[0]
    assert "grad_mode" in reasons[1]


@pytest.mark.usefixtures("hooked")
def test_graph_breaks(telemetry: Telemetry) -> None:
    """Each is counted once by its reason, and told with the function that it is in; the reason quotes no code."""

    def decide(x: Any) -> Any:
        if x.sum().item() > 100:
            return x
        torch._dynamo.graph_break()
        return x + 1

    compiled = torch.compile(decide, backend="eager")
    compiled(ROWS)
    compiled(ROWS)
    points = telemetry.points("ml.compile.graph_breaks")
    assert sorted(point.value for point in points) == [1, 1]
    assert all("\n" not in point.attributes[names.ML_COMPILE_GRAPH_BREAK_REASON] for point in points)
    breaks = [event for event in telemetry.events if event.name == "ml.compile.graph_break"]
    assert any("item" in event.attributes[names.ML_COMPILE_GRAPH_BREAK_REASON] for event in breaks)
    assert breaks[0].attributes[names.CODE_FUNCTION_NAME] == "decide"


@pytest.mark.usefixtures("hooked")
def test_failed_compilation(telemetry: Telemetry) -> None:
    """It is told with the type of the error, and the host gets the error."""

    def backend(graph: Any, examples: Any) -> Any:
        raise LookupError("no such backend")

    with pytest.raises(Exception, match="no such backend"):
        infer(torch.compile(Net(), backend=backend), ROWS)
    assert telemetry.point("ml.compile.duration").attributes[names.ERROR_TYPE] == "BackendCompilerFailed"
    event = telemetry.event("ml.compile.result")
    assert (event.severity, event.attributes[names.ERROR_TYPE]) == (13, "BackendCompilerFailed")


def test_nothing_is_told_when_off(instrument: Instrument, telemetry: Telemetry) -> None:
    """What is compiled before it is on, and after it is off, is not told, nor are breaks that happened before."""

    @torch.compile(backend="eager")
    def early(x: Any) -> Any:
        torch._dynamo.graph_break()
        return x + 1

    early(ROWS)
    instrument()
    infer(torch.compile(Net(), backend="eager"), ROWS)
    TorchInstrumentor().uninstrument()
    infer(torch.compile(Net(), backend="eager"), ROWS[:1])
    assert telemetry.point("ml.compile.duration").count == 1
    assert not telemetry.points("ml.compile.graph_breaks")


REASONS = {
    "tensor 'x' size mismatch at index 0. expected 4, actual 8": "shape",
    "tensor 'x' rank mismatch. expected 2, actual 3": "shape",
    "2 <= x.size()[0]  # return F.linear(input, self.weight, self.bias)": "shape",
    "tensor 'x' dtype mismatch. expected Float, actual Double": "data_type",
    "tensor 'x' device index mismatch": "device",
    "GLOBAL_STATE changed: grad_mode": "gradient",
    "tensor 'x' requires_grad mismatch. expected requires_grad=0": "gradient",
    "GLOBAL_STATE changed: grad_mode autocast(cpu)_enabled": "gradient",
    "tensor 'x' dispatch key set mismatch. expected DispatchKeySet(CPU)": "global_state",
    "self.k == 3": "value",
    "len(L['x']) == 2": "value",
    "___check_type_id(L['x'], 9427072)": "type",
    "___check_obj_id(L['self'].training, 9442912)": "object",
    "something that a later version says": "other",
    "": "other",
}


@pytest.mark.parametrize(("reason", "cause"), REASONS.items(), ids=str)
def test_causes(reason: str, cause: str) -> None:
    """What the words of PyTorch 2.4 to 2.13 are taken for."""
    assert cause_of(reason) == cause
