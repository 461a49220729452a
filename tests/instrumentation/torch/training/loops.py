"""Loops as people write them, without a line of telemetry."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

FEATURES = 4


class Net(nn.Module):
    """A small classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FEATURES, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits


def loader(samples: int = 20, batch_size: int = 8, **options: object) -> DataLoader:
    """A loader of random samples: 20 make batches of 8, 8 and 4."""
    data = TensorDataset(torch.randn(samples, FEATURES), torch.randint(0, 2, (samples,)))
    return DataLoader(data, batch_size=batch_size, **options)  # type: ignore[arg-type]


def train(
    net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], optimizer: torch.optim.Optimizer, epochs: int = 1
) -> list[float]:
    """Train, and return the losses."""
    losses = []
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        net.train()
        for x, y in batches:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def sgd(net: nn.Module, lr: float = 0.1) -> torch.optim.Optimizer:
    """The plainest optimizer."""
    return torch.optim.SGD(net.parameters(), lr=lr)
