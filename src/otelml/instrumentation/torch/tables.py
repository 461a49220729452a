"""Tabular inputs of modules, shown to the monitors as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from otelml.observations import Intake


class TableIntake:
    """Takes the calls of a module, and hands tables on.

    A table is a tensor of two dimensions in the memory of the host: one on a device is left alone, since reading it
    would make the host wait for the device.

    Attributes:
        skip: none; whom the tables are handed to passes over what it must.
    """

    __slots__ = ("_into", "skip")

    def __init__(self, into: Intake) -> None:
        self.skip = 0
        self._into = into

    def __call__(self, arguments: Sequence[Any], keywords: Mapping[str, Any], result: Any, duration: int) -> None:
        """Take one call."""
        given = arguments[1] if len(arguments) > 1 else next(iter(keywords.values()), None)
        if isinstance(given, Tensor) and given.dim() == 2 and given.device.type == "cpu" and not given.is_sparse:
            array = given.detach().numpy() if given.dtype.is_floating_point else given.detach().double().numpy()
            self._into((arguments[0], array), {}, None, duration)
