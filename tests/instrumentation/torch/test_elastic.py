"""Metrics of `torch.distributed.elastic`: of torchrun itself, and of what publishes as it does."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import LAUNCHER, environment
from tests.support.endpoint import OtlpEndpoint
from tests.support.telemetry import Telemetry

elastic: Any = import_module("torch.distributed.elastic.metrics")


class Kept(elastic.MetricHandler):
    """The application's own handler."""

    def __init__(self) -> None:
        self.published: list[tuple[Any, ...]] = []

    def emit(self, metric_data: Any) -> None:
        """Take a metric."""
        self.published.append((metric_data.group_name, metric_data.name, metric_data.value))


@pytest.mark.usefixtures("hooked")
def test_what_is_published_is_told(telemetry: Telemetry) -> None:
    """Profiled functions, states of workers and any other metric are told as what they are."""

    @elastic.prof(group="mine")
    def fails() -> None:
        raise LookupError("no")

    @elastic.prof
    def works() -> int:
        return 3

    assert works() == 3
    with pytest.raises(LookupError, match="no"):
        fails()
    for _ in range(2):
        elastic.put_metric("workers.trainer.healthy", 1)
    elastic.put_metric("workers.trainer.remaining_restarts", 2)
    elastic.put_metric("queue", 0.5, "mine")
    elastic.put_metric("queue", "long", "mine")
    calls = {
        tuple(point.attributes[f"ml.training.elastic.{name}"] for name in ("group", "outcome")): point.value
        for point in telemetry.points("ml.training.elastic.calls")
    }
    assert calls == {("torchelastic", "success"): 1, ("mine", "failure"): 1}
    durations = telemetry.points("ml.training.elastic.call.duration")
    assert sorted(point.attributes["ml.training.elastic.name"].rpartition(".")[2] for point in durations) == [
        "fails",
        "works",
    ]
    check = telemetry.point("ml.training.elastic.checks", {"ml.training.elastic.name": "workers.trainer"})
    assert (check.value, check.attributes["ml.training.elastic.state"]) == (2, "healthy")
    values = {
        point.attributes["ml.training.elastic.name"]: point.value
        for point in telemetry.points("ml.training.elastic.value")
    }
    assert values == {"workers.trainer.remaining_restarts": 2, "queue": 0.5}


@pytest.mark.usefixtures("hooked")
def test_durations_are_in_seconds(telemetry: Telemetry) -> None:
    """Milliseconds become seconds."""
    elastic.put_metric("rendezvous.duration.ms", 2_500)
    point = telemetry.point("ml.training.elastic.call.duration")
    assert (point.attributes["ml.training.elastic.name"], point.value) == ("rendezvous", 2.5)


@pytest.mark.usefixtures("hooked")
def test_applications_handler_gets_everything(monkeypatch: pytest.MonkeyPatch, telemetry: Telemetry) -> None:
    """Whichever handler is configured, before or after, has what it had; a fault of it is the application's."""
    handler = Kept()
    monkeypatch.setitem(import_module("torch.distributed.elastic.metrics.api")._metrics_map, "mine", handler)
    elastic.put_metric("queue", 4, "mine")
    assert handler.published == [("mine", "queue", 4)]
    assert telemetry.point("ml.training.elastic.value").value == 4
    monkeypatch.setattr(handler, "published", None)
    with pytest.raises(AttributeError):
        elastic.put_metric("queue", 4, "mine")


@pytest.mark.usefixtures("hooked")
def test_names_are_bounded(telemetry: Telemetry) -> None:
    """Metrics with ever new names do not make ever new series."""
    for number in range(300):
        elastic.put_metric(f"step_{number}", number)
    names = [point.attributes["ml.training.elastic.name"] for point in telemetry.points("ml.training.elastic.value")]
    assert len(names) == 101
    assert "_OTHER" in names


WORKER = """
import os, sys, time
import torch
from torch import nn

if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
    time.sleep(0.5)
    sys.exit(3)
net = nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    net(torch.randn(5, 4)).sum().backward()
    optimizer.step()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="torchrun needs what Windows lacks here")
def test_restart_by_torchrun(otlp_endpoint: OtlpEndpoint, tmp_path: Path) -> None:
    """Under the launcher torchrun tells of its rendezvous and of failing workers, and the second ones that they are."""
    program = tmp_path / "worker.py"
    program.write_text(WORKER)
    options = ["--nproc-per-node=1", "--max-restarts=2", "--monitor-interval=0.1", "--rdzv-backend=c10d"]
    options += ["--rdzv-endpoint=localhost:0", str(program)]
    done = subprocess.run(
        [*LAUNCHER, sys.executable, "-m", "torch.distributed.run", *options],
        env=environment(otlp_endpoint.environment, {"OMP_NUM_THREADS": "1"}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    value = otlp_endpoint.point("ml.training.elastic.value", {"ml.training.elastic.name": "workers.default.run_total"})
    assert value.value == 1
    left = {"ml.training.elastic.name": "workers.default.remaining_restarts"}
    assert otlp_endpoint.point("ml.training.elastic.value", left).value == 1
    checks = {
        point.attributes["ml.training.elastic.state"] for point in otlp_endpoint.points("ml.training.elastic.checks")
    }
    assert {"failed", "succeeded"} <= checks
    calls = otlp_endpoint.points("ml.training.elastic.calls")
    called = {point.attributes["ml.training.elastic.name"]: point.value for point in calls}
    assert called["SimpleElasticAgent._rendezvous"] == 2
    steps = otlp_endpoint.point("ml.training.steps")
    assert steps.value == 3
    assert steps.resource["ml.training.restart.count"] == 1
    assert steps.resource["ml.training.launcher"] == "torchrun"
