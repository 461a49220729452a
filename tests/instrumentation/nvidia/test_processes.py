"""What the instrumentation leaves alone until it is needed, and what a forked child does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from tests.instrumentation.nvidia.conftest import FIRST, SECOND, Instrument
from tests.support.fakes.nvml import FakeDriver
from tests.support.telemetry import Telemetry

LAZY = """
import sys
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from otelml.instrumentation.nvidia import NvidiaInstrumentor

reader = InMemoryMetricReader()
provider = MeterProvider([reader])
NvidiaInstrumentor().instrument(meter_provider=provider)
assert not {"pynvml", "torch", "ctypes.util"} & set(sys.modules)
reader.get_metrics_data()
assert "torch" not in sys.modules
import torch
torch.nn.Linear(2, 2)(torch.ones(1, 2))
reader.get_metrics_data()
assert not torch.cuda.is_initialized()
print("lazy")
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


def test_nothing_is_imported_or_initialised() -> None:
    """Switching on imports no library; a collection imports no PyTorch, and never initialises CUDA."""
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "lazy\n", done.stderr


def in_child(act: Callable[[], object]) -> str:
    """What a forked child says of itself."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writes, repr(act()).encode())
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as told:
        said = told.read()
    os.waitpid(child, 0)
    return said


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_opens_the_driver_itself(driver: FakeDriver, instrument: Instrument, telemetry: Telemetry) -> None:
    """A forked child gives back what it has inherited, opens the driver anew, and counts from its own first reading."""
    devices = instrument()._devices
    assert devices is not None
    telemetry.requests()
    driver.devices[0].energy += 90_000
    assert telemetry.point("hw.energy", {"hw.id": FIRST}).value == 90

    def read() -> object:
        driver.history.clear()
        return devices._read()[0].energy, driver.history

    assert in_child(read) == repr((0, ["close", "open"]))
    assert driver.opened == 1


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_driver_that_hangs_holds_up_no_fork(
    driver: FakeDriver, instrument: Instrument, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a thread hangs in the driver, a process can be forked; the child leaves the driver alone."""
    monkeypatch.setattr("otelml.instrumentation.nvidia.devices._FORK_WAITS", 0.01)
    instrumentor = instrument()
    hangs, goes_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        goes_on.wait(30)

    driver.during = hang
    reading = threading.Thread(target=telemetry.requests)
    reading.start()
    assert hangs.wait(30)
    devices = instrumentor._devices
    assert devices is not None
    assert in_child(devices._read) == "[]"
    goes_on.set()
    reading.join()
    driver.during = lambda: None
    assert {point.attributes["hw.id"] for point in telemetry.points("hw.power")} == {FIRST, SECOND}
