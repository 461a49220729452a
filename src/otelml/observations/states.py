"""The state of the monitors of a model, as it is reported when metrics are collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from otelml.observations.model import ModelIdentity


class ReferenceChange(NamedTuple):
    """What became of a reference sample.

    Attributes:
        name: where it comes from: `fit`, `describe`, `live`, or the name of a file.
        state: a value of `ml.drift.reference.state`.
        reason: why it was capped or refused, in words.
        rows: number of samples in it.
        features: number of features in it.
    """

    name: str
    state: str
    reason: str | None = None
    rows: int | None = None
    features: int | None = None


class DriftState(NamedTuple):
    """The state of one drift check.

    Attributes:
        type: a value of `ml.drift.type`.
        feature: the name of the feature, None for a check that is not of one feature.
        method: the test that decided last, a value of `ml.drift.method`.
        state: a value of `ml.drift.state`.
        scores: the latest effect sizes, by value of `ml.drift.method`.
    """

    type: str
    feature: str | None
    method: str
    state: str
    scores: Mapping[str, float]


class QualityCount(NamedTuple):
    """What one data-quality check has counted since the start.

    Attributes:
        check: a value of `ml.data_quality.check.name`.
        passed: number of windows that passed.
        failed: number of windows that failed.
        violations: number of values or rows that violate the check.
    """

    check: str
    passed: int
    failed: int
    violations: int


class FeatureBins(NamedTuple):
    """The values of one feature counted by bin, beside the reference.

    Attributes:
        feature: the name of the feature.
        labels: the bins, as text that is the same in every process with the same reference.
        counts: number of live values in each, since the start.
        ratios: the share of the reference's values in each.
    """

    feature: str
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    ratios: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ModelState:
    """What the monitors of one model say now.

    Attributes:
        model: the model.
        reference: the name of the reference its features are compared with; None while there is none.
        share: the share of the model's rows that the monitors see, 0 to 1.
        drift: the state of every drift check.
        quality: the counts of every data-quality check.
        bins: the values by bin, of as many features as the settings allow on metrics.
        predictions: by name of a summary (`confidence`, `entropy`, `near_threshold`), its value over the last window.
    """

    model: ModelIdentity
    reference: str | None
    share: float
    drift: tuple[DriftState, ...] = ()
    quality: tuple[QualityCount, ...] = ()
    bins: tuple[FeatureBins, ...] = ()
    predictions: Mapping[str, float] = field(default_factory=dict)
