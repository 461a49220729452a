"""Keeps `torch.compile` from compiling otelml's own frames, as it keeps itself from compiling PyTorch's.

Dynamo compiles a function by its code object, and gives up on one that was compiled too often. All modules share our
`nn.Module.__call__`; compiled as a frame of its own, each further module would count as a recompilation of the first. A
skipped frame runs as it is, the functions it calls are compiled, and where Dynamo inlines a call it goes on to do so.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, ParamSpec, TypeVar

import torch

from otelml._guard import guarded
from otelml.instrumentation._patches import OnImport

# Not imported by that name: before 2.6 it is an attribute only.
_set_callback = torch._C._dynamo.eval_frame.set_eval_frame

_P = ParamSpec("_P")
_R = TypeVar("_R")

_PACKAGE = "otelml."
_FOLDER = str(Path(__file__).parents[2])
_skipped: set[CodeType] = set()


def uncompiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function, and what it calls, run as they are also where the host's code around them is being compiled.

    That is for functions that call the SDK, whose frames are not ours to skip, and never the host.
    """

    @functools.wraps(function)
    def interpreted(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        before = _set_callback(None)
        try:
            return function(*args, **kwargs)
        finally:
            _set_callback(before)

    return interpreted


def skip_own() -> None:
    """Skip all functions of otelml, when the compiler is imported."""
    _IMPORTS.expect()


@guarded
def _compiler_imported(eval_frame: ModuleType) -> None:
    skip: Callable[[CodeType], None] = eval_frame.skip_code
    for code in _codes():
        if code not in _skipped:
            skip(code)
            _skipped.add(code)


def _codes() -> Iterator[CodeType]:
    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGE) and isinstance(module, ModuleType):
            for function in _functions(module):
                yield from _with_inner(function.__code__)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    for value in list(vars(module).values()):
        members = list(vars(value).values()) if isinstance(value, type) else [value]
        for member in members:
            function: Any = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            while isinstance(function, FunctionType):
                if function.__code__.co_filename.startswith(_FOLDER):
                    yield function
                function = vars(function).get("__wrapped__")


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)


_IMPORTS = OnImport(["torch._dynamo.eval_frame"], _compiler_imported)
