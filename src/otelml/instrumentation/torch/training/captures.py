"""Whether a CUDA graph is being captured anywhere in this process.

While one is, in the mode that is the default, a query of an event or an allocation on any thread invalidates the
capture: CUDA calls both unsafe (`cudaStreamCaptureModeGlobal`), and PyTorch tells a thread about its own stream only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from otelml._forks import call_in_children

_under_way: set[int] = set()
_lock = threading.RLock()  # a signal handler may run while its thread holds it


@contextmanager
def quiet() -> Iterator[bool]:
    """Whether nothing is being captured; if so, no capture by `torch.cuda.CUDAGraph` begins before the block ends."""
    with _lock:
        yield not _under_way and not torch.cuda.is_current_stream_capturing()


def begins(function: Callable[..., Any], graph: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Begin a capture as the host does, once no other thread asks CUDA for anything of ours."""
    with _lock:
        _under_way.add(id(graph))
    try:
        return function(graph, *args, **kwargs)
    except BaseException:
        _under_way.discard(id(graph))
        raise


def ends(function: Callable[..., Any], graph: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """End a capture as the host does; one that CUDA has invalidated is over, too."""
    try:
        return function(graph, *args, **kwargs)
    finally:
        _under_way.discard(id(graph))


def _begin_anew() -> None:
    global _lock
    _lock = threading.RLock()
    _under_way.clear()


call_in_children(_begin_anew)
