"""While a CUDA graph is captured, CUDA is asked for nothing, on no thread. The events here are made up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from otelml.instrumentation.torch.training import captures, scalars
from otelml.instrumentation.torch.training.scalars import Scalars


class Event:
    """An event that the GPU has passed; counts what it is asked."""

    queries = 0

    def __init__(self, **_options: object) -> None:
        """Be known to nobody."""

    def record(self) -> None:
        """Take a place in the stream."""

    def query(self) -> bool:
        """Whether the GPU has passed it."""
        Event.queries += 1
        return True


class OnDevice:
    """What `Scalars` takes for a tensor on a GPU."""

    is_cpu, is_cuda = False, True

    def numel(self) -> int:
        """One element."""
        return 1

    def detach(self) -> Tensor:
        """Its value."""
        return torch.tensor(3.0)


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU's events and memory, and a stream that captures nothing."""
    empty = torch.empty
    monkeypatch.setattr(scalars, "_new_event", Event)
    monkeypatch.setattr(scalars, "Tensor", OnDevice)
    monkeypatch.setattr(torch, "empty", lambda *shape, pin_memory, **options: empty(*shape, **options))
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    Event.queries = 0


def capture(during: Callable[[], object], *, error: Exception | None = None) -> None:
    """Capture a graph, as `torch.cuda.graph` does."""
    graph = object()

    def end(_graph: object) -> None:
        if error is not None:
            raise error

    captures.begins(lambda _graph: None, graph, (), {})
    try:
        during()
    finally:
        captures.ends(end, graph, (), {})


def elsewhere(function: Callable[[], object]) -> None:
    """Run something in another thread."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


@pytest.mark.parametrize("run", [lambda function: function(), elsewhere], ids=["this thread", "another thread"])
def test_nothing_is_asked_while_a_graph_is_captured(run: Callable[[Callable[[], object]], object]) -> None:
    """Values on their way are taken after the capture, and none is sent on its way during it, whoever captures."""
    taken: list[float] = []
    reader = Scalars()
    tensor: Any = OnDevice()
    assert reader.read(tensor, taken.append)

    def during() -> None:
        reader.poll()
        assert not reader.read(tensor, taken.append)

    capture(lambda: run(during))
    assert (Event.queries, taken) == (0, [])
    reader.poll()
    assert taken == [3.0]


def test_a_capture_that_fails_is_over() -> None:
    """One that could not begin, and one that CUDA has invalidated, do not keep values from being taken."""

    def no_memory(_graph: object) -> None:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        captures.begins(no_memory, object(), (), {})
    with pytest.raises(RuntimeError, match="invalidated"):
        capture(lambda: None, error=RuntimeError("invalidated"))
    with captures.quiet() as quiet:
        assert quiet


def test_a_capture_begins_after_what_is_being_asked() -> None:
    """A capture on another thread waits for a query under way, which is short."""
    order: list[str] = []
    graph, asking = object(), threading.Event()

    def begin() -> None:
        asking.wait()
        captures.begins(lambda _graph: order.append("captures"), graph, (), {})

    thread = threading.Thread(target=begin)
    thread.start()
    with captures.quiet() as quiet:
        assert quiet
        asking.set()
        thread.join(0.2)
        order.append("asked")
    thread.join()
    captures.ends(lambda _graph: None, graph, (), {})
    assert order == ["asked", "captures"]


def test_captures_are_noticed() -> None:
    """The methods through which every graph of PyTorch is captured are ours."""
    for method in (torch.cuda.CUDAGraph.capture_begin, torch.cuda.CUDAGraph.capture_end):
        assert hasattr(method, "__wrapped__")
