"""Whose a call of `generate` is, which two hooks see: while that of Transformers is on, text is its own.

PyTorch's hook asks here, so that a call is told once, whichever of the two was switched on first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from otelml._guard import guarded

Claim = Callable[[tuple[Any, ...], Mapping[str, Any]], bool]

_claim: Claim | None = None


def claim_with(claim: Claim | None) -> None:
    """Say which calls are told as those of a GenAI model from now on; None: none of them."""
    global _claim
    _claim = claim


@guarded
def is_claimed(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call with these arguments, the model first, is told as that of a GenAI model."""
    return _claim is not None and _claim(args, kwargs)
