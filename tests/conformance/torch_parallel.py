"""Programs of several processes, and of the default compiler backend."""

from __future__ import annotations

from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from tests.conformance.torch_programs import Program, Switch, plain

PRELOAD = ()


class Block(nn.Module):
    """A module of modules."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.relu(self.first(x)))


ROWS = torch.linspace(-1, 1, 12).reshape(3, 4)


def _ranks(work: Any, enable: Switch) -> Any:
    """What each of two processes got; they are forked, so that the hook is on in them where it is on here."""
    enable()
    context = mp.get_context("fork")
    queue = context.SimpleQueue()
    with TemporaryDirectory() as folder:
        ranks = [context.Process(target=_rank, args=(work, rank, folder, queue)) for rank in range(2)]
        for process in ranks:
            process.start()
        for process in ranks:  # what they got fits into the pipe, and one that dies puts nothing
            process.join()
    assert [process.exitcode for process in ranks] == [0, 0]
    results = dict(queue.get() for _ in ranks)
    return [results[rank] for rank in range(2)]


def _rank(work: Any, rank: int, folder: str, queue: Any) -> None:
    meeting = f"file://{folder}/meeting"  # a port that was free may be taken by now
    dist.init_process_group("gloo", meeting, timedelta(minutes=2), rank=rank, world_size=2)
    queue.put((rank, plain(work(rank))))
    dist.destroy_process_group()


def _trained(model: nn.Module, rank: int) -> Any:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = model(ROWS + rank).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss)
    model.eval()
    with torch.no_grad():
        return [losses, model(ROWS)]


def _ddp(rank: int) -> Any:
    from torch.nn.parallel import DistributedDataParallel

    return _trained(DistributedDataParallel(Block()), rank)


def _fsdp2(rank: int) -> Any:
    from torch.distributed.device_mesh import init_device_mesh

    try:
        from torch.distributed.fsdp import fully_shard
    except ImportError:  # before 2.6
        from torch.distributed._composable.fsdp import fully_shard  # type: ignore[attr-defined,no-redef,unused-ignore]
    model, mesh = Block(), init_device_mesh("cpu", (2,))
    fully_shard(model.first, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return _trained(model, rank)


def ddp(enable: Switch, disable: Switch) -> Any:
    """DistributedDataParallel on two processes."""
    return _ranks(_ddp, enable)


def fsdp2(enable: Switch, disable: Switch) -> Any:
    """`fully_shard` on two processes."""
    return _ranks(_fsdp2, enable)


class Embedded(Dataset):
    """Items that a module in the worker makes."""

    def __init__(self) -> None:
        self.model = Block().eval()

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Tensor:
        with torch.no_grad():
            return self.model(ROWS[index % 3][None])


def loading_workers(enable: Switch, disable: Switch) -> Any:
    """A DataLoader whose two workers call a module, started by fork and by spawn."""
    enable()
    loaded = [
        list(DataLoader(Embedded(), batch_size=2, num_workers=2, multiprocessing_context=start))
        for start in ("fork", "spawn")
    ]
    return [[batch.shape, batch] for batches in loaded for batch in batches]


def default_backend(enable: Switch, disable: Switch) -> Any:
    """Inductor, for training and for inference."""
    enable()
    model: Any = torch.compile(Block())
    loss = model(ROWS).square().mean()
    loss.backward()
    model.eval()
    with torch.no_grad():
        return [loss, [parameter.grad for parameter in model.parameters()], model(ROWS), model(ROWS)]


PROGRAMS: tuple[Program, ...] = (ddp, fsdp2, loading_workers, default_backend)
