"""How many samples and tokens are in what a model or a loop was given; nothing is converted or copied."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from otelml._guard import guarded

_TOKENS = ("input_ids", "idx", "tokens", "token_ids")
"""What models call their tokens: the first as Transformers does, the others as in widely copied GPT code."""

_INTEGERS = (torch.int64, torch.int32)
_DEPTH = 4


def rows(batch: Any, depth: int = _DEPTH) -> int:
    """The number of samples in a batch: the length of its first tensor; 0 where it has none."""
    if isinstance(batch, Tensor):
        return batch.size(0) if batch.dim() else 0
    if depth:
        values: Any = ()
        if isinstance(batch, Mapping):
            values = batch.values()
        elif isinstance(batch, (list, tuple)):
            values = batch
        for value in values:
            found = rows(value, depth - 1)
            if found:
                return found
    return 0


def given_rows(module: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """The number of samples that a module is called with; 0 where it is not in the first dimension of a tensor."""
    if isinstance(module, torch.nn.RNNBase) and not module.batch_first:
        return 0
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            return value.size(0) if value.dim() else 0
        if isinstance(value, Mapping):
            return rows(value)
    return 0


@guarded
def token_argument(module: Any) -> tuple[str, int] | None:
    """The name and position of the argument that takes tokens, as the signature of the module's `forward` has it."""
    if isinstance(module, torch.jit.ScriptModule):
        return None  # its methods have schemas, which `inspect` does not read
    names = list(inspect.signature(module.forward).parameters)
    return next(((name, names.index(name)) for name in _TOKENS if name in names), None)


def given_tokens(argument: str, position: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """The number of tokens that a module is called with, padding included."""
    value = kwargs.get(argument)
    if value is None and len(args) > position:
        value = args[position]
    if isinstance(value, Tensor) and value.dtype in _INTEGERS and value.dim() == 2:
        return value.numel()
    return 0
