"""Two processes that train one model, with DDP and with FSDP2, started by torchrun."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from packaging.version import Version

from tests.e2e.programs import LAUNCHER, environment
from tests.support.endpoint import OtlpEndpoint

PROGRAM = """
import os, sys
import torch
from torch import nn
import torch.distributed as dist

dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(rank)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x):
        return self.layers(x)

net = Net()
if sys.argv[1] == "ddp":
    net = nn.parallel.DistributedDataParallel(net)
else:
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.device_mesh import init_device_mesh
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(5):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(torch.randn(6, 4)), torch.randint(0, 2, (6,))).backward()
    optimizer.step()
weights = torch.cat([(it.full_tensor() if hasattr(it, "full_tensor") else it).flatten() for it in net.parameters()])
dist.barrier()
dist.destroy_process_group()
print("weights", float(weights.detach().double().sum()), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("parallel", ["ddp", "fsdp2"])
@pytest.mark.skipif(sys.platform == "win32", reason="gloo needs a file system that Windows lacks here")
def test_each_rank_reports_its_own_time(otlp_endpoint: OtlpEndpoint, tmp_path: Path, parallel: str) -> None:
    """Both ranks count their steps and samples under one model's name, and the resource tells them apart."""
    if parallel == "fsdp2" and Version(torch.__version__) < Version("2.6"):
        pytest.skip("FSDP2 is public since PyTorch 2.6")
    program = tmp_path / "train.py"
    program.write_text(PROGRAM)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--rdzv-backend=c10d"]
    torchrun += ["--rdzv-endpoint=localhost:0", "--no-python", *LAUNCHER, sys.executable, str(program), parallel]
    done = subprocess.run(
        torchrun,
        env=environment(otlp_endpoint.environment, {"OMP_NUM_THREADS": "1"}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    weights = {line for line in done.stdout.splitlines() if line.startswith("weights")}
    assert len(weights) == 1
    points = otlp_endpoint.points("ml.training.steps", {"ml.model.name": "Net"})
    assert sorted(point.resource["ml.training.worker.index"] for point in points) == [0, 1]
    assert {point.value for point in points} == {5}
    assert {point.resource["ml.training.worker.count"] for point in points} == {2}
    assert {point.resource["ml.training.launcher"] for point in points} == {"torchrun"}
    forward = otlp_endpoint.points("ml.training.time", {"ml.training.phase": "forward"})
    assert len({point.resource["ml.training.worker.index"] for point in forward}) == 2
    assert {point.value for point in otlp_endpoint.points("ml.training.samples")} == {30}
    norms = otlp_endpoint.points("ml.training.gradient.norm")
    assert bool(norms) == (parallel == "ddp")
