"""The fleet's drift: its numbers are those of the pooled rows, and its alerts fire when they must."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otelml.rules.limits import default_limits
from otelml.rules.packs import drift
from otelml.rules.packs.distribution import LEAST_SHARE
from otelml.rules.promql import Series
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.rules.promtool import Case, Holds, Made, counter, gauge, made, run

LIMITS = default_limits()["drift"]
CHURN = {names.ML_MODEL_NAME: "churn", names.ML_MODEL_VERSION: "2"}
EDGES = np.array([-np.inf, -1.0, -0.3, 0.3, 1.0, np.inf])
BINS = ["below -1", "-1 to -0.3", "-0.3 to 0.3", "0.3 to 1", "above 1"]
MINUTES = 75
Counts = dict[str, float]


def counted(rows: np.ndarray) -> Counts:
    """The rows by bin."""
    return dict(zip(BINS, np.histogram(rows, EDGES)[0].tolist(), strict=True))


def psi(live: Counts, reference: Counts) -> float:
    """The population stability index by its definition, with the floor for empty bins."""
    bins = sorted({*live, *reference})

    def shares(counts: Counts) -> np.ndarray:
        values = np.array([counts.get(name, 0.0) for name in bins])
        return np.maximum(values / values.sum(), LEAST_SHARE)

    p, q = shares(live), shares(reference)
    return float(((p - q) * np.log(p / q)).sum())


def feature(live: Counts, reference: Counts, name: str = "tenure", instance: str = "a") -> list[Made]:
    """What one replica exports: its rows spread over ten minutes, and the reference's shares."""
    values, shares = Series(metrics.ML_FEATURE_VALUES), Series(metrics.ML_FEATURE_REFERENCE_RATIO)
    attributes = {**CHURN, names.ML_FEATURE_NAME: name}
    rows = sum(reference.values())
    return [
        *(
            made(
                values,
                {**attributes, names.ML_FEATURE_BIN: label},
                counter((10, 0), (10, count / 10), (55, 0)),
                instance=instance,
            )
            for label, count in live.items()
        ),
        *(
            made(shares, {**attributes, names.ML_FEATURE_BIN: label}, gauge((MINUTES, count / rows)), instance=instance)
            for label, count in reference.items()
        ),
    ]


@pytest.fixture
def replicas() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The training rows, and the rows that two replicas have seen."""
    random = np.random.default_rng(7)
    return random.normal(size=20_000), random.normal(0.5, 1, 3_000), random.normal(-0.2, 2, 1_000)


def test_index_of_two_replicas_is_that_of_the_pooled_rows(
    tmp_path: Path, replicas: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    """PSI over two processes' counts equals PSI of all their rows, which is neither's own."""
    training, one, other = replicas
    reference = counted(training)
    pooled = psi(counted(np.concatenate([one, other])), reference)
    assert min(abs(pooled - psi(counted(rows), reference)) for rows in (one, other)) > 0.01
    series = feature(counted(one), reference, instance="a") + feature(counted(other), reference, instance="b")
    query = f"abs(sum({drift.index('1h')}) - {pooled!r}) < bool 1e-9"
    run(tmp_path, [drift.group(LIMITS)], [Holds("pooled", query, MINUTES - 1, series)])


@pytest.mark.parametrize(
    ("live", "reference"),
    [
        ({"a": 700.0, "b": 300.0}, {"a": 500.0, "b": 400.0, "c": 100.0}),
        ({"a": 700.0, "b": 200.0, "_OTHER": 100.0}, {"a": 500.0, "b": 500.0}),
        ({"a": 1000.0}, {"b": 1000.0}),
        ({"a": 500.0, "b": 0.0}, {"a": 500.0, "b": 0.0}),
    ],
    ids=["a bin without live rows", "a bin without reference", "nothing in common", "empty on both sides"],
)
def test_index_with_empty_bins(tmp_path: Path, live: Counts, reference: Counts) -> None:
    """A bin that is empty on one side counts with the least share there."""
    query = f"abs(sum({drift.index('1h')}) - {psi(live, reference)!r}) < bool 1e-9"
    run(tmp_path, [drift.group(LIMITS)], [Holds("empty", query, MINUTES - 1, feature(live, reference))])


REFERENCE = {"a": 500.0, "b": 400.0, "c": 100.0}
MOVED = {"a": 100.0, "b": 400.0, "c": 500.0}
SAME = {"a": 510.0, "b": 395.0, "c": 95.0}


def test_feature_drift(tmp_path: Path) -> None:
    """A feature that moved fires for the hour and the day; the same shares, few rows or no reference don't."""
    many = {name: 3 * count for name, count in MOVED.items()}
    few = {name: count / 3 for name, count in MOVED.items()}
    at = 40
    cases = [
        Case("moved", "FeatureDrift", 2, at, feature(many, REFERENCE)),
        Case("the same", "FeatureDrift", 0, at, feature({k: 3 * v for k, v in SAME.items()}, REFERENCE)),
        Case("few rows", "FeatureDrift", 0, at, feature(few, REFERENCE)),
        Case(
            "few rows each, enough in all",
            "FeatureDrift",
            2,
            at,
            [s for i in "abcd" for s in feature(few, REFERENCE, instance=i)],
        ),
        Case("no reference", "FeatureDrift", 0, at, [s for s in feature(many, REFERENCE) if "reference" not in s[0]]),
    ]
    run(tmp_path, [drift.group(LIMITS)], cases)


def test_many_features_drift(tmp_path: Path) -> None:
    """Half of the features fire; one of four does not."""
    many, same = ({name: 3 * count for name, count in counts.items()} for counts in (MOVED, SAME))

    def model(*moved: bool) -> list[Made]:
        return [s for i, it in enumerate(moved) for s in feature(many if it else same, REFERENCE, name=f"f{i}")]

    cases = [
        Case("half", "ManyFeaturesDrift", 1, 40, model(True, True, False, False)),
        Case("a quarter", "ManyFeaturesDrift", 0, 40, model(True, False, False, False)),
        Case("none", "ManyFeaturesDrift", 0, 40, model(False, False)),
    ]
    run(tmp_path, [drift.group(LIMITS)], cases)


def test_drift_reported(tmp_path: Path) -> None:
    """The state `drifted` fires once for all replicas; a warning doesn't."""
    states = Series(metrics.ML_DRIFT_STATUS)
    kind = {**CHURN, names.ML_DRIFT_TYPE: names.DriftType.FEATURE, names.ML_FEATURE_NAME: "tenure"}

    def replica(state: str, instance: str) -> list[Made]:
        present = (names.DriftState.OK, names.DriftState.WARNING, names.DriftState.DRIFTED)
        return [
            made(states, {**kind, names.ML_DRIFT_STATE: it}, gauge((20, float(it == state))), instance=instance)
            for it in present
        ]

    drifted, warning = names.DriftState.DRIFTED, names.DriftState.WARNING
    cases = [
        Case("two replicas", "DriftReported", 1, 19, replica(drifted, "a") + replica(drifted, "b")),
        Case("a warning", "DriftReported", 0, 19, replica(warning, "a")),
    ]
    run(tmp_path, [drift.group(LIMITS)], cases)
