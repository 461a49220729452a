"""Pure functions: what modules take and return -> what is counted and what a span tells.

Nothing is converted, moved between devices or waited for: of a tensor, only what its handle says is read, and the
values of results that lie in the computer's memory where a model's task was described as classification.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from opentelemetry.util.types import AttributeValue
from torch import Tensor, nn

from otelml._guard import guarded
from otelml.instrumentation.torch.identity import unwrapped
from otelml.observations import Outputs
from otelml.observations.scores import PROBABILITY_BOUNDS, count_bins
from otelml.semconv import attributes as names
from otelml.semconv.attributes import ModelMode

_HARDWARE = {"cpu": "cpu", "cuda": "gpu", "mps": "gpu", "xpu": "gpu"}
_MAX_DIMENSIONS = 16
_MAX_CLASSES = 4096

_vmap_level = torch._C._functorch.maybe_current_level
_dispatch_modes = torch._C._len_torch_dispatch_stack
_function_modes = torch._C._len_torch_function_stack

_Array = npt.NDArray[Any]


def first_tensor(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The first tensor of the arguments after the module; None where there is none."""
    return next(iter(_tensors(args, kwargs)), None)


def _tensors(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """The first argument after the module that is a tensor, or the tensors in one that is a list, tuple or dict."""
    for value in (*args[1:], *kwargs.values()):
        items: Any = ()
        if isinstance(value, Tensor):
            items = (value,)
        elif isinstance(value, (list, tuple)):
            items = value
        elif isinstance(value, (dict, UserDict)):
            items = list(value.values())[:1]
        tensors = [item for item in items if isinstance(item, Tensor)]
        if tensors:
            return tensors
    return []


def is_simulated(tensor: Any) -> bool:
    """Whether a tensor has no values: one on the meta device, or that a tracer put in a real one's place."""
    return isinstance(tensor, Tensor) and (tensor.is_meta or type(tensor).__name__ == "FakeTensor")


@guarded
def row_count(args: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
    """The number of samples: the first dimension of the first tensor, as is PyTorch's convention.

    None where there is no tensor, where it has one dimension (a single sample, or a batch of numbers), where several
    tensors in a list don't agree, and inside `torch.vmap`, where the batch can't be seen.
    """
    tensors = _tensors(args, kwargs)
    # Of several tensors with three dimensions nobody knows whether they are images of one batch or batches.
    if not tensors or (len(tensors) > 1 and tensors[0].dim() == 3) or _vmap_level() is not None:
        return None
    if any(tensor.dim() < 2 or tensor.size(0) != tensors[0].size(0) for tensor in tensors):
        return None
    tensor = tensors[0]
    rows = tensor.size(0)
    return rows if type(rows) is int else None


@guarded
def input_attributes(
    args: Sequence[Any], kwargs: Mapping[str, Any], *, with_shape: bool
) -> dict[str, AttributeValue] | None:
    """Data types, device and mode, and if wanted the shape, for the span of a call.

    Args:
        args: the host's positional arguments, the module first.
        kwargs: the host's keyword arguments.
        with_shape: whether the shape of the input is told.
    """
    module, tensor = args[0], first_tensor(args, kwargs)
    told: dict[str, AttributeValue] = {names.ML_MODEL_MODE: ModelMode.TRAIN if module.training else ModelMode.EVAL}
    parameter = next((each for each in module.parameters() if each.is_floating_point()), None)
    if parameter is not None:
        told[names.ML_MODEL_DATA_TYPE] = _plain(parameter.dtype)
    if tensor is not None:
        told[names.ML_INPUT_DATA_TYPE] = _plain(tensor.dtype)
        if with_shape and not tensor.is_nested and tensor.dim() <= _MAX_DIMENSIONS:
            told[names.ML_INPUT_SHAPE] = [int(length) for length in tensor.shape]
    holder = parameter if parameter is not None else tensor
    if holder is not None:
        told[names.ML_INFERENCE_DEVICE] = str(holder.device)
        if holder.device.type in _HARDWARE:
            told[names.HW_TYPE] = _HARDWARE[holder.device.type]
    return told


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@guarded
def outputs(args: Sequence[Any], kwargs: Mapping[str, Any], result: Any, *, labelled: bool) -> Outputs:
    """What a call returned, counted.

    Args:
        args: the host's positional arguments, the module first.
        kwargs: the host's keyword arguments.
        result: the host's result.
        labelled: whether the result are the labels or scores of a classifier, one row a sample.
    """
    rows = row_count(args, kwargs)
    if not labelled:
        return Outputs(rows)
    scores = _values(result if isinstance(result, Tensor) else getattr(result, "logits", None))
    if scores is None:
        return Outputs(rows)
    module = unwrapped(args[0])
    if scores.ndim == 1 and scores.dtype.kind in "iub":
        return Outputs(rows, classes=_counted(scores, _class_names(module)))
    probabilities = _probabilities(scores, module)
    if probabilities is None:
        return Outputs(rows)
    return _scored(rows, probabilities, _class_names(module))


def _values(scores: Any) -> _Array | None:
    """The values of a tensor in the computer's memory; None for others, and where somebody listens to operations."""
    if not isinstance(scores, Tensor) or scores.device.type != "cpu" or scores.layout != torch.strided:
        return None
    if scores.is_nested or _vmap_level() is not None or _dispatch_modes() or _function_modes():
        return None
    if scores.dtype in (torch.bfloat16, torch.float16):
        scores = scores.detach().float()
    values: _Array = scores.detach().numpy()
    return values


def _probabilities(scores: _Array, module: nn.Module) -> _Array | None:
    """Of every class, a row a sample; None where it can't be told whether the scores are logits."""
    if scores.ndim != 2 or scores.dtype.kind != "f" or not 0 < scores.shape[1] <= _MAX_CLASSES or not len(scores):
        return None
    if scores.shape[1] > 1:
        # Rows of logits that lie between 0 and 1 and add up to 1 are as good as never seen.
        is_distribution = bool((scores >= 0).all() and (abs(scores.sum(axis=1) - 1) < 1e-3).all())
        return scores if is_distribution else _softmax(scores)
    last = module
    while isinstance(last, nn.Sequential) and len(last):
        last = last[-1]
    if isinstance(last, nn.Sigmoid):
        return np.hstack([1 - scores, scores])
    if isinstance(last, nn.Linear):
        return _softmax(np.hstack([np.zeros_like(scores), scores]))
    return None


def _softmax(logits: _Array) -> _Array:
    with np.errstate(all="ignore"):
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: _Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _scored(rows: int | None, probabilities: _Array, labels: Mapping[int, str] | None) -> Outputs:
    binary = probabilities.shape[1] == 2
    scores = probabilities[:, 1] if binary else probabilities.max(axis=1)
    known = ~np.isnan(probabilities).any(axis=1)
    scores = np.where(known, scores, np.nan)
    best = probabilities.argmax(axis=1)[known]
    return Outputs(rows, _counted(best, labels), count_bins(scores, PROBABILITY_BOUNDS))


def _counted(classes: _Array, labels: Mapping[int, str] | None) -> dict[Hashable, int]:
    values, counts = np.unique(classes, return_counts=True)
    named = [labels.get(value, value) if labels else value for value in values.tolist()]
    return dict(zip(named, counts.tolist(), strict=True))


def _class_names(module: nn.Module) -> Mapping[int, str] | None:
    """The names of the classes that a Transformers model carries."""
    names_ = getattr(getattr(module, "config", None), "id2label", None)
    return names_ if isinstance(names_, dict) else None
