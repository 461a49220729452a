"""What one call of a model did."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from otelml.observations.model import ModelIdentity


class Outputs(NamedTuple):
    """What a call returned, counted.

    Attributes:
        rows: number of samples, None where the input does not tell without being consumed.
        classes: predicted class -> number of rows.
        score_bins: upper bound of a bin, as text -> number of scores in it (`observations.scores`).
        score: the result of an evaluation, with the name of the measure.
    """

    rows: int | None = None
    classes: Mapping[Hashable, int] | None = None
    score_bins: Mapping[str, int] | None = None
    score: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One outermost call of a model, handed to every `Observer` when it has returned.

    Attributes:
        model: who was called.
        operation: a value of `ml.operation.name`.
        method: the method, as the library names it.
        arguments: the host's positional arguments, not copied: an observer copies what it keeps.
        keywords: the host's keyword arguments, not copied.
        result: the host's result, not copied; None when the call failed.
        outputs: what was counted of the result.
        duration: seconds.
        error: the exception that ended the call.
    """

    model: ModelIdentity
    operation: str
    method: str
    arguments: tuple[object, ...]
    keywords: Mapping[str, object]
    result: object
    outputs: Outputs
    duration: float
    error: BaseException | None = None
