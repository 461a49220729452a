"""On a GPU: the real driver and the real allocator."""

from __future__ import annotations

import pytest
import torch

from tests.instrumentation.nvidia.conftest import Instrument
from tests.support.gpu import GPU
from tests.support.telemetry import Telemetry

pytestmark = GPU


def test_the_real_driver(instrument: Instrument, telemetry: Telemetry) -> None:
    """The GPU that the process computes on is reported, with values that a GPU can have."""
    held = torch.ones(1024, 1024, device="cuda")
    instrument("used")
    (memory,) = telemetry.points("hw.gpu.memory.usage")
    about = torch.cuda.get_device_properties(0)
    assert memory.attributes["hw.id"] == f"GPU-{about.uuid}"
    assert memory.attributes["hw.model"] == about.name
    assert held.nbytes < memory.value < telemetry.point("hw.gpu.memory.limit").value
    assert 0 <= telemetry.point("hw.gpu.utilization").value <= 1
    assert 0 < telemetry.point("hw.temperature").value < 120
    assert telemetry.point("hw.power").value > 0
    assert {point.attributes["hw.state"] for point in telemetry.points("hw.status")} == {"ok", "degraded", "failed"}
    before = telemetry.point("hw.energy").value
    for _ in range(2000):
        held = held @ held * 0
    torch.cuda.synchronize()
    assert telemetry.point("hw.energy").value > before


def test_the_real_allocator(instrument: Instrument, telemetry: Telemetry) -> None:
    """What is allocated and reserved is what PyTorch says, and an allocation that fails is counted."""
    held = torch.ones(1024, 1024, device="cuda")
    instrument("used")
    assert telemetry.point("ml.device.allocator.allocated").value == torch.cuda.memory_allocated() >= held.nbytes
    assert telemetry.point("ml.device.allocator.reserved").value == torch.cuda.memory_reserved()
    failures = telemetry.point("ml.device.allocator.errors").value
    with pytest.raises(torch.cuda.OutOfMemoryError):
        torch.empty(2**45, dtype=torch.uint8, device="cuda")
    assert telemetry.point("ml.device.allocator.errors").value == failures + 1


def test_reading_waits_for_nothing(instrument: Instrument, telemetry: Telemetry) -> None:
    """A collection waits for no work on the GPU, and one in the middle of a capture leaves the capture whole."""
    x = torch.ones(8, device="cuda")
    instrument("used")
    telemetry.requests()
    torch.cuda._sleep(4_000_000_000)  # cycles: a second or more
    torch.cuda.set_sync_debug_mode("error")
    try:
        telemetry.requests()
        assert not torch.cuda.current_stream().query()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = x * 2
        telemetry.requests()
    graph.replay()
    assert y.tolist() == [2.0] * 8
