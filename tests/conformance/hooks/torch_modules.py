"""Modules of PyTorch's and of an application's, for the conformance suites; the functions import PyTorch."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

ROWS = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]


def rows(count: int | None = None) -> Any:
    """The rows as a tensor."""
    import torch

    return torch.tensor(ROWS[:count])


def subject() -> Any:
    """A module of PyTorch's own classes, always with the same parameters."""
    import torch
    from torch import nn

    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).reshape(parameter.shape))
    return module.eval()


def define() -> Any:
    """A module of a class that the application defines now."""
    from torch import nn

    class Doubling(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * 2

    return Doubling().eval()


def returning(result: object) -> Any:
    """A module that returns exactly this."""
    from torch import nn

    class Echo(nn.Module):
        def forward(self, x: Any) -> Any:
            return result

    return Echo().eval()


def raising(error: BaseException) -> Any:
    """A module that raises exactly this."""
    from torch import nn

    class Failing(nn.Module):
        def forward(self, x: Any) -> Any:
            raise error

    return Failing().eval()


def call(module: Any) -> Any:
    """One inference call."""
    import torch

    with torch.no_grad():
        return module(rows())


_MAIN = """
from torch import nn

class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Identity()

    def forward(self, x):
        return self.inner(x) * 3
"""


def main_class(name: str) -> Any:
    """A class that an application has in its `__main__`, so that cloudpickle takes it along by value."""
    if name not in vars(sys.modules["__main__"]):
        module = ModuleType("__main__")
        exec(_MAIN, vars(module))
        setattr(sys.modules["__main__"], name, vars(module)[name])
    return vars(sys.modules["__main__"])[name]
