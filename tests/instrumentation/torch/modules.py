"""Modules and inputs of the tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

ROWS = torch.linspace(-1, 1, 20).reshape(5, 4)


class Net(nn.Module):
    """A classifier of three classes, with modules inside."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class Fixed(nn.Module):
    """Returns what it was made with, whatever it is called with."""

    def __init__(self, result: Any = None) -> None:
        super().__init__()
        self.result = result

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.result


def infer(module: Any, *args: Any, **kwargs: Any) -> Any:
    """An inference call."""
    with torch.no_grad():
        return module.eval()(*args, **kwargs)
