"""Compiled training: the graphs are those that there are without us."""

from __future__ import annotations

import json

import pytest

from tests.e2e.programs import NOTHING_EXPORTED, environment, run

PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import torch
from torch import nn
from torch._dynamo.utils import counters

if sys.argv[1] == "on":
    import otelml
    otelml.instrument()
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(8, 4), torch.randint(0, 2, (8,))
found = []

def told():
    found.append([dict(counters["stats"]), sum(counters["graph_break"].values()), dict(counters["recompiles"])])
    torch._dynamo.reset()
    counters.clear()

def step(model):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss

whole = torch.compile(step, backend="aot_eager")
losses = [whole(net).item() for _ in range(3)]
told()
compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
losses += [step(compiled).item() for _ in range(3)]
told()
update = torch.compile(lambda: optimizer.step(), backend="eager")
for _ in range(3):
    nn.functional.cross_entropy(net(x), y).backward()
    update()
told()
print(json.dumps([losses, found]))
"""


@pytest.mark.slow
def test_same_graphs_and_numbers() -> None:
    """A step, a model and an update that are compiled have as many graphs, breaks and recompiles, and equal losses."""
    outputs = [
        json.loads(run(PROGRAM, mode, env=environment(NOTHING_EXPORTED)).stdout.splitlines()[-1])
        for mode in ("off", "on")
    ]
    assert outputs[0] == outputs[1]
