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
import os, sys, time
import torch
from torch import nn
import torch.distributed as dist

dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(rank)

class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 30

    def __getitem__(self, index):
        if rank == 1 and sys.argv[2] == "data_wait":
            time.sleep(0.05)
        return torch.randn(4), index % 2

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x):
        if rank == 1 and sys.argv[2] == "forward":
            time.sleep(0.3)
        return self.layers(x)

net = Net()
if sys.argv[1] == "ddp":
    net = nn.parallel.DistributedDataParallel(net)
else:
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.device_mesh import init_device_mesh
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in torch.utils.data.DataLoader(Data(), batch_size=6):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
weights = torch.cat([(it.full_tensor() if hasattr(it, "full_tensor") else it).flatten() for it in net.parameters()])
dist.barrier()
dist.destroy_process_group()
print("weights", float(weights.detach().double().sum()), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("parallel", "slow"), [("ddp", "forward"), ("ddp", "data_wait"), ("fsdp2", "data_wait")])
@pytest.mark.skipif(sys.platform == "win32", reason="gloo needs a file system that Windows lacks here")
def test_each_rank_reports_its_own_time(otlp_endpoint: OtlpEndpoint, tmp_path: Path, parallel: str, slow: str) -> None:
    """Both ranks count their steps and samples under one model's name, and the resource tells them apart.

    The second one is a straggler, by 1.5 s of the phase in which it sleeps.
    """
    if parallel == "fsdp2" and Version(torch.__version__) < Version("2.6"):
        pytest.skip("FSDP2 is public since PyTorch 2.6")
    program = tmp_path / "train.py"
    program.write_text(PROGRAM)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--rdzv-backend=c10d"]
    torchrun += ["--rdzv-endpoint=localhost:0", "--no-python", *LAUNCHER, sys.executable, str(program), parallel, slow]
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
    points = otlp_endpoint.points("ml.training.time", {"ml.training.phase": slow})
    spent = {point.resource["ml.training.worker.index"]: point.value for point in points}
    assert spent[1] >= 1.5
    assert spent[0] < spent[1]
    assert {point.value for point in otlp_endpoint.points("ml.training.samples")} == {30}
    norms = otlp_endpoint.points("ml.training.gradient.norm")
    assert bool(norms) == (parallel == "ddp")
