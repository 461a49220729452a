"""What a monitor says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias


class MovedBin(NamedTuple):
    """A bin or category whose share of the rows has changed.

    Attributes:
        label: the bin in words, such as `12.5 to 20`, `missing` or `'Fiber optic'`.
        reference: its share of the reference, 0 to 1.
        live: its share of the window, 0 to 1.
    """

    label: str
    reference: float
    live: float


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """A drift check has changed its state.

    Attributes:
        type: what drifted, a value of `ml.drift.type`.
        feature: the name of the feature; None for drift that is not of one feature.
        method: the test that decided, a value of `ml.drift.method`.
        state: the new state, a value of `ml.drift.state`.
        previous: the state before.
        score: the effect size that is reported: the bias-corrected population stability index where there is one.
        threshold: the least effect that counts as drift, in the unit of the score.
        p_value: of the test, adjusted for the number of tests made on the feature.
        window_rows: number of rows compared with the reference.
        window_start: when the first of them came.
        window_end: when the last of them came.
        moved: the bins that moved most, the largest move first.
        message: the finding as a sentence.
        effects: further effect sizes by name (`jensen_shannon`, `wasserstein`, `psi`).
    """

    type: str
    feature: str | None
    method: str
    state: str
    previous: str
    score: float
    threshold: float
    p_value: float | None
    window_rows: int
    window_start: datetime | None
    window_end: datetime | None
    moved: tuple[MovedBin, ...]
    message: str
    effects: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """A data-quality check has begun to fail, or passes again.

    Attributes:
        check: a value of `ml.data_quality.check.name`.
        feature: the name of the feature; None for a check of whole rows or of the columns.
        result: a value of `ml.data_quality.check.result`.
        violations: number of values or rows that violate the check in the window.
        rows: number of rows in the window.
        message: the finding as a sentence.
        observed: the rate in the window, 0 to 1, where the check is of a rate.
        expected: the largest rate that passes.
    """

    check: str
    feature: str | None
    result: str
    violations: int
    rows: int
    message: str
    observed: float | None = None
    expected: float | None = None


Finding: TypeAlias = DriftFinding | QualityFinding
