"""Counts the floating-point operations of a model once, on opt-in, without its data and without touching it.

A copy of the module, whose tensors have shapes and no data, is run forward and backward once, and each operation is
counted by PyTorch's own formulas (`torch.utils.flop_counter.flop_registry`). `FlopCounterMode` itself would have to be
around the host's own step, which it slows down, hides from `torch.compile`, and sees with hooks on every module.
"""

from __future__ import annotations

import copy
import logging
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry

from otelml._guard import guarded
from otelml.instrumentation.torch.frames import uncompiled
from otelml.instrumentation.torch.identity import unwrapped
from otelml.instrumentation.torch.peak_rates import kind_of, peak_rate
from otelml.instrumentation.torch.training import sizes
from otelml.telemetry import Telemetry
from otelml.telemetry.training.flops import ModelFlops, TrainedModel, TrainingFlops

_logger = logging.getLogger("otelml")


class Flops:
    """Counts the models of training loops, each once.

    Attributes:
        telemetry: where they are reported.
    """

    def __init__(self, telemetry: TrainingFlops) -> None:
        self.telemetry = telemetry
        self._tried: WeakSet[nn.Module] = WeakSet()

    @guarded
    @uncompiled
    def sees(self, trained: TrainedModel, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """A module is called for training: count what it needs, if that was not tried before.

        Args:
            trained: what is known of the module.
            module: as the loop calls it, before the call.
            args: of the call.
            kwargs: of the call.
        """
        inner = unwrapped(module)
        if inner in self._tried or _is_busy():
            return
        self._tried.add(inner)
        try:
            counted = operations(inner, args, kwargs)
        except (RuntimeError, TypeError) as error:  # what depends on its data, or can't be copied
            _logger.warning("The operations of %s cannot be counted: %s", type(inner).__name__, error)
            return
        if counted:
            unit, number = _units(inner, args, kwargs)
            self.telemetry.add(trained, ModelFlops(counted / number, unit, _peak(inner)))


_known: WeakKeyDictionary[Telemetry, Flops] = WeakKeyDictionary()


def flops_of(telemetry: Telemetry) -> Flops:
    """What counts for an instrumentation; there is one, since instruments are made once."""
    found = _known.get(telemetry)
    return found or _known.setdefault(telemetry, Flops(TrainingFlops(telemetry)))


def _is_busy() -> bool:
    """Whether operations are recorded or rewritten now, and would be ours as well as the host's."""
    cuda: Any = torch.cuda
    capturing = cuda.is_initialized() and cuda.is_current_stream_capturing()
    return capturing or torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack() > 0


def _units(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, int]:
    argument = sizes.token_argument(module)
    tokens = 0 if argument is None else sizes.given_tokens(*argument, args, kwargs)
    if tokens:
        return "tokens", tokens
    rows = sizes.given_rows(module, args, kwargs)
    return ("samples", rows) if rows else ("microbatches", 1)


def _peak(module: nn.Module) -> float | None:
    """The peak rate of the devices that a module is on; None where one of them is not known."""
    rates = []
    for device in {parameter.device for parameter in module.parameters()}:
        if device.type != "cuda":
            return None
        rates.append(peak_rate(torch.cuda.get_device_name(device), _kind(module)))
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known and len(known) == len(rates) else None


def _kind(module: nn.Module) -> str:
    if torch.is_autocast_enabled("cuda"):
        return kind_of(torch.get_autocast_dtype("cuda"))
    numbers: dict[torch.dtype, int] = {}
    for parameter in module.parameters():
        numbers[parameter.dtype] = numbers.get(parameter.dtype, 0) + parameter.numel()
    return kind_of(max(numbers, key=lambda dtype: numbers[dtype]))


def operations(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """The floating-point operations of a forward and backward pass of a module; a fused product and sum are two.

    Neither the module nor the random numbers change, and nothing is computed on a device.

    Args:
        module: what is called.
        args: of the call.
        kwargs: of the call.

    Returns:
        Their number; 0 where the formula of an operation has failed.

    Raises:
        Exception: whatever the module's `forward` raises where it depends on the data, or cannot be copied.
    """
    counter = _Counter()
    without_data = FakeTensorMode(allow_non_fake_inputs=True)

    def fake(tensor: Tensor) -> Tensor:
        return without_data.from_tensor(tensor, static_shapes=True)

    # With those that a module keeps as plain attributes, which would be copied with their data.
    kept = [value for part in module.modules() for value in vars(part).values() if isinstance(value, Tensor)]
    tensors = (*module.parameters(), *module.buffers(), *kept)
    memo: dict[int, Any] = {id(tensor): fake(tensor) for tensor in tensors}
    copied = copy.deepcopy(module, memo)
    for part in copied.modules():
        _forget_hooks(part)
    given = tree_map_only(Tensor, lambda tensor: fake(tensor.detach()), (tuple(args), dict(kwargs)))
    with _same_random_numbers(), without_data, torch.enable_grad(), counter:
        results = tree_leaves(copied(*given[0], **given[1]))
        losses = [it.sum() for it in results if isinstance(it, Tensor) and it.requires_grad]
        trained = [parameter for parameter in copied.parameters() if parameter.requires_grad]
        if losses and trained:
            torch.autograd.grad(losses, trained, allow_unused=True)
    return counter.total if counter.seen == counter.counted else 0


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the operations of all that is computed inside it.

    Attributes:
        seen: how many calls of operations there were.
        counted: of how many of them it is known what they need.
        total: the operations of those.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen = self.counted = 0
        self.total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        result = function(*args, **named)
        self.seen += 1
        self._count(function, args, named, result)
        return result

    @guarded  # PyTorch asks for the device and the sizes of a tensor this way, too, and a fault then ends the process
    def _count(self, function: Any, args: Any, named: Mapping[str, Any], result: Any) -> None:
        formula = flop_registry.get(function._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **named, out_val=result)
        self.counted += 1


_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_forward_hooks_always_called",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def _forget_hooks(module: nn.Module) -> None:
    """Leave out the hooks of a copy: they may keep what they are shown."""
    for name in _HOOKS:
        hooks = vars(module).get(name)
        if hooks:
            vars(module)[name] = type(hooks)()


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """Let what draws random numbers in Python leave no trace; operations without data draw none."""
    python = random.getstate()
    numpy: Any = sys.modules.get("numpy")
    drawn = numpy.random.get_state() if numpy is not None else None
    try:
        yield
    finally:
        random.setstate(python)
        if drawn is not None:
            numpy.random.set_state(drawn)
