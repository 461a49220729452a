"""On a GPU: nothing waits for it, and what is captured is what the application does."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from otelml.instrumentation.torch import TorchInstrumentor
from tests.support.gpu import GPU
from tests.support.telemetry import Telemetry

pytestmark = GPU

FEATURES = 64
WARM = 5
STEPS = 20

Step = Callable[[], Tensor]

needs_triton = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="the compiler for GPUs is missing")


@pytest.fixture
def no_waiting() -> Iterator[Callable[[], None]]:
    """From the call on, an operation that waits for the GPU raises."""

    def forbid() -> None:
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")

    yield forbid
    torch.cuda.set_sync_debug_mode("default")


def net() -> nn.Module:
    """A small model on the GPU, the same each time."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(FEATURES, 128), nn.ReLU(), nn.Linear(128, 2)).cuda()


def step_of(model: nn.Module, optimizer: torch.optim.Optimizer, *, clip: bool = False, mixed: bool = False) -> Step:
    """One step on data that is on the GPU already, without anything that waits."""
    x = torch.randn(32, FEATURES, device="cuda")
    y = torch.randint(0, 2, (32,), device="cuda")

    def step() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=mixed):
            loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    return step


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    """The plainest optimizer."""
    return torch.optim.SGD(model.parameters(), lr=0.01)


def adam_on_the_gpu(model: nn.Module) -> torch.optim.Optimizer:
    """An optimizer whose state, learning rate included, is on the GPU."""
    rate = torch.tensor(0.01, device="cuda")
    return torch.optim.Adam(model.parameters(), lr=rate, capturable=True)


@pytest.mark.parametrize("options", [{"overhead_budget": 1, "training_gradient_norm_every": 1}])
@pytest.mark.parametrize("make", [sgd, adam_on_the_gpu])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_step_waits_for_nothing(
    telemetry: Telemetry,
    no_waiting: Callable[[], None],
    make: Callable[[nn.Module], torch.optim.Optimizer],
    clip: bool,
    mixed: bool,
) -> None:
    """Steps of which everything is recorded, the norm of the gradients included, add no wait to none."""
    model = net()
    step = step_of(model, make(model), clip=clip, mixed=mixed)
    for _ in range(WARM):
        step()
    no_waiting()
    for _ in range(STEPS):
        loss = step()
    with pytest.raises(RuntimeError, match="synchroniz"):
        loss.item()
    torch.cuda.set_sync_debug_mode("default")
    torch.cuda.synchronize()
    step()
    assert telemetry.point("ml.training.steps").value >= WARM + STEPS
    assert telemetry.point("ml.training.time", {"ml.training.phase": "backward"}).value > 0
    assert len(telemetry.points("ml.training.loss")) == 1


@needs_triton
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
def test_a_compiled_step_waits_for_nothing(telemetry: Telemetry, no_waiting: Callable[[], None], mode: str) -> None:
    """A compiled model adds no wait either, nor one that PyTorch itself replays as a CUDA graph."""
    model = net()
    step = step_of(torch.compile(model, mode=mode), sgd(model))  # type: ignore[arg-type]
    for _ in range(WARM):
        step()
    no_waiting()
    for _ in range(STEPS):
        step()
    torch.cuda.set_sync_debug_mode("default")
    torch.cuda.synchronize()
    step()
    assert telemetry.point("ml.training.steps").value >= WARM + STEPS


@pytest.mark.parametrize("options", [{"overhead_budget": 1}])
def test_inference_waits_for_nothing(telemetry: Telemetry, no_waiting: Callable[[], None]) -> None:
    """Calls of which everything is recorded wait for nothing."""
    model = net().eval()
    x = torch.randn(8, FEATURES, device="cuda")
    with torch.inference_mode():
        for _ in range(WARM):
            model(x)
        no_waiting()
        for _ in range(STEPS):
            model(x)
    assert telemetry.total("ml.inference.calls") == WARM + STEPS
    assert telemetry.spans[-1].attributes["ml.inference.device"] == "cuda:0"


def test_a_step_is_reported_when_the_gpu_has_done_it(telemetry: Telemetry) -> None:
    """While the GPU is behind nothing is reported, and nobody waits; when it has caught up its own time is."""
    model = net()
    step = step_of(model, sgd(model))
    for _ in range(WARM):
        step()
    torch.cuda.synchronize()
    step()
    before = telemetry.total("ml.training.steps")
    torch.cuda._sleep(4_000_000_000)  # cycles: a second or more
    for _ in range(3):
        step()
    assert not torch.cuda.current_stream().query()
    assert telemetry.total("ml.training.steps") <= before + 1
    torch.cuda.synchronize()
    step()
    assert telemetry.total("ml.training.steps") >= before + 3


def captured(path: Path) -> tuple[list[float], int]:
    """The parameters after five replays of a captured step, and how much was captured."""
    model = net()
    optimizer = sgd(model)
    step = step_of(model, optimizer)
    # As PyTorch's documentation has it: warmed up on a stream of its own.
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph(keep_graph=True)
    graph.enable_debug_mode()
    with torch.cuda.graph(graph):
        step()
    graph.debug_dump(str(path))
    graph.instantiate()
    for _ in range(5):
        graph.replay()
    torch.cuda.synchronize()
    step()  # and the loop goes on without the graph
    weights = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    return weights.cpu().tolist(), path.read_text().count("->")


@pytest.mark.parametrize("options", [{"overhead_budget": 1, "training_gradient_norm_every": 1}])
def test_a_captured_step_is_the_applications(instrumented: TorchInstrumentor, tmp_path: Path) -> None:
    """A step is captured in a CUDA graph with nothing added to it, and its replays give the same parameters."""
    watched = captured(tmp_path / "watched.dot")
    instrumented.uninstrument()
    assert watched == captured(tmp_path / "alone.dot")


@pytest.mark.parametrize("options", [{"overhead_budget": 1, "training_gradient_norm_every": 1}])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_capture_is_not_disturbed(telemetry: Telemetry, instrumented: TorchInstrumentor, elsewhere: bool) -> None:
    """While a graph is captured, nothing asks for steps that the GPU has not done yet, on no thread.

    The capture is in CUDA's strict mode, PyTorch's default, in which a query on any thread invalidates it. The steps on
    the other thread have all the memory that they need; a step that this CUDA refuses without us, too, is no fault of
    ours.
    """

    def capture() -> str | None:
        model = net()
        step = step_of(model, sgd(model))
        for _ in range(WARM):
            step()
        x = torch.ones(8, device="cuda")
        torch.cuda.synchronize()
        torch.cuda._sleep(2_000_000_000)  # so that what the steps have left behind is not done when the capture begins
        step()
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                if elsewhere:
                    worker = threading.Thread(target=step)
                    worker.start()
                    worker.join()
                else:
                    step()
                result = x * 2
        except RuntimeError as error:
            return str(error).splitlines()[0]
        graph.replay()
        torch.cuda.synchronize()
        assert result.sum().item() == 16
        step()
        return None

    watched = capture()
    assert telemetry.point("ml.training.steps").value >= WARM
    instrumented.uninstrument()
    assert watched == capture()


@pytest.mark.parametrize("options", [{"overhead_budget": 1}])
def test_a_captured_inference_is_the_applications(telemetry: Telemetry) -> None:
    """A model's call is captured in a CUDA graph, and its replays give the right result."""
    model = net().eval()
    x = torch.zeros(8, FEATURES, device="cuda")
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode():
        model(x)
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            result = model(x)
        x.fill_(1.0)
        graph.replay()
        torch.testing.assert_close(result, model(x))
    assert telemetry.total("ml.inference.calls") == 3
