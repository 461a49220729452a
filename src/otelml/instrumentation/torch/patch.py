"""Patches `nn.Module.__call__`, and `generate` of Transformers models."""

from __future__ import annotations

import functools
from typing import Any

from torch import nn
from torch.compiler import is_dynamo_compiling

from otelml._guard import guarded
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.torch import runtime
from otelml.instrumentation.torch.runtime import call, inside

GENERATE = PatchTable(Patch("transformers.generation.utils", "GenerationMixin.generate", runtime.generate))

_CALL = "__call__"
_ALIAS = "_wrapped_call_impl"
"""The name under which pickle looks for PyTorch's own `__call__`; the two have always been one function."""

_plain = vars(nn.Module)[_ALIAS]
_applied: tuple[Any, Any] | None = None


@guarded
def switch_on() -> None:
    """Patch the call of every module, whose hooks and compiled forms work as before.

    Global module hooks are no option: they slow every module down, and break `torch.export` (PyTorch 2.13).
    """
    global _applied
    GENERATE.switch_on()
    original = vars(nn.Module)[_CALL]
    if _applied is not None and original is _applied[1]:
        return
    replacement = _own_call if original is _plain else _around(original)
    for name in _names(original):
        setattr(nn.Module, name, replacement)
    _applied = (original, replacement)


@guarded
def switch_off() -> None:
    """Restore the call if nobody patched it after us; otherwise ours stays inside, inert."""
    global _applied
    GENERATE.switch_off()
    if _applied is not None:
        original, replacement = _applied
        for name in _names(replacement):
            setattr(nn.Module, name, original)
    _applied = None


def _names(function: Any) -> list[str]:
    return [name for name in (_CALL, _ALIAS) if vars(nn.Module)[name] is function]


def _own_call(self: Any, *args: Any, **kwargs: Any) -> Any:
    """In place of PyTorch's own function, which is written out for modules inside a module: a frame more is a percent.

    It has no closure: compiled code is guarded on one, and would be compiled again when ours is off.
    """
    # First of all: the compiler, which takes this for true, must not see the context variable (2.4 to 2.13).
    if is_dynamo_compiling():
        return _plain(self, *args, **kwargs)
    if inside.get() is None:
        return call(_plain, self, args, kwargs)
    if self._compiled_call_impl is not None:
        return self._compiled_call_impl(*args, **kwargs)
    return self._call_impl(*args, **kwargs)


functools.update_wrapper(_own_call, _plain)


def _around(original: Any) -> Any:
    """A function around one that somebody else put in place of PyTorch's own."""

    @functools.wraps(original)
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        if is_dynamo_compiling() or inside.get() is not None:
            return original(self, *args, **kwargs)
        return call(original, self, args, kwargs)

    return __call__
