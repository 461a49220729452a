"""Rank correlations of the leading features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from otelml.monitors import Reference
from otelml.monitors.dependence import MOST_FEATURES, Dependence


def table(seed: int, rows: int, strength: float = 0.7) -> Any:
    """Three features, the first two correlated, and one that never varies."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 4))
    values[:, 1] = strength * values[:, 0] + np.sqrt(1 - strength**2) * values[:, 1]
    values[:, 2] = np.exp(values[:, 2])
    values[:, 3] = 1.0
    return values


@pytest.fixture(scope="module")
def reference() -> Reference:
    """10,000 rows."""
    return Reference.build(table(0, 10_000))


def dependence_of(reference: Reference) -> Dependence:
    """That of a reference which has one."""
    assert reference.dependence is not None
    return reference.dependence


def test_correlations_are_those_of_ranked_bins(reference: Reference) -> None:
    """As SciPy has them of the bins; a profile has 32 bits of them."""
    dependence, codes = dependence_of(reference), reference.codes(table(0, 10_000))
    assert dependence.features.tolist() == [0, 1, 2]
    expected = stats.spearmanr(codes[:, :3]).statistic
    np.testing.assert_allclose(dependence.correlation, expected, rtol=1e-9)
    kept = Reference.from_dict(reference.to_dict()).dependence
    assert kept is not None
    np.testing.assert_allclose(kept.correlation, expected, atol=1e-7)


def test_the_correlation_of_a_window_is_that_of_its_scores(reference: Reference) -> None:
    """Each value stands for the rank of its bin in the reference; the rest is SciPy's coefficient."""
    dependence, codes = dependence_of(reference), reference.codes(table(2, 500, strength=0.2))
    pair = dependence.change(dependence.products(codes))
    assert pair is not None
    places = [dependence.features.tolist().index(each) for each in (pair.first, pair.second)]
    scores = [dependence.scores[at].astype(float)[codes[:, dependence.features[at]]] for at in places]
    assert pair.now == pytest.approx(stats.pearsonr(*scores).statistic, rel=1e-9)
    assert pair.before == dependence.correlation[places[0], places[1]]


def test_products_add_up(reference: Reference) -> None:
    """Batches of any size give the same correlations."""
    dependence, codes = dependence_of(reference), reference.codes(table(1, 1_000))
    whole = dependence.products(codes)
    parts = sum((dependence.products(codes[at : at + 77]) for at in range(0, 1_000, 77)), np.zeros_like(whole))
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-3)
    pair = dependence.change(whole)
    assert pair is not None
    assert (pair.first, pair.second) in {(0, 1), (0, 2), (1, 2)}
    assert pair.p > 0.01


def test_the_pair_that_changed_is_named(reference: Reference) -> None:
    """With its correlations before and now."""
    dependence = dependence_of(reference)
    pair = dependence.change(dependence.products(reference.codes(table(2, 500, strength=0.2))))
    assert pair is not None
    assert (pair.first, pair.second) == (0, 1)
    assert pair.before == pytest.approx(0.68, abs=0.02)
    assert pair.now == pytest.approx(0.2, abs=0.1)
    assert pair.p < 1e-12
    without = np.array([False, True, False, False])
    other = dependence.change(dependence.products(reference.codes(table(2, 500, strength=0.2))), without)
    assert other is not None
    assert other.p > 0.01


@pytest.mark.parametrize("strength", [0.0, 0.7, 0.95, 1.0])
def test_the_level_is_kept(strength: float) -> None:
    """At 1%, over windows of 200 rows and several references, however strong the correlation is."""
    false, windows = 0, 0
    for seed in range(6):
        reference = Reference.build(table(seed, 5_000, strength)[:, :3])
        dependence = dependence_of(reference)
        for number in range(150):
            codes = reference.codes(table(1_000 * (seed + 1) + number, 200, strength)[:, :3])
            pair = dependence.change(dependence.products(codes))
            false += pair is not None and pair.p <= 0.01
            windows += 1
    assert false / windows <= 0.02


def test_it_is_bounded() -> None:
    """Of a wide table the most strongly correlated features are kept."""
    values = np.random.default_rng(0).normal(size=(2_000, 60))
    values[:, 50] = values[:, 7]
    dependence = dependence_of(Reference.build(values))
    assert len(dependence.features) == MOST_FEATURES
    assert {7, 50} <= set(dependence.features.tolist())


def test_nothing_to_watch() -> None:
    """One feature, constant ones, and a few rows have no dependence."""
    assert Reference.build(table(0, 1_000)[:, :1]).dependence is None
    assert Reference.build(table(0, 1_000)[:, 2:]).dependence is None
    assert Reference.build(table(0, 49)).dependence is None
    assert dependence_of(Reference.build(table(0, 60))).change(np.zeros((4, 4))) is None


def test_it_survives_storage(reference: Reference) -> None:
    """As plain arrays, with scores of 16 bits."""
    dependence = dependence_of(reference)
    loaded = Dependence.from_dict(dependence.to_dict(), *reference.counts.shape)
    np.testing.assert_array_equal(loaded.correlation, dependence.correlation.astype(np.float32))
    np.testing.assert_allclose(loaded.scores, dependence.scores, atol=2e-3)
    codes = reference.codes(table(2, 500, strength=0.2))
    first, second = loaded.change(loaded.products(codes)), dependence.change(dependence.products(codes))
    assert first is not None
    assert second is not None
    assert first[:2] == second[:2]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("features", [0, 9]),
        ("features", "names"),
        ("scores", np.zeros((3, 5))),
        ("correlation", np.full((3, 3), np.nan)),
        ("variance", None),
        ("rows", 0),
    ],
)
def test_broken_storage_is_refused(reference: Reference, field: str, value: Any) -> None:
    """With a ValueError, whatever is wrong."""
    stored = {**dependence_of(reference).to_dict(), field: value}
    with pytest.raises(ValueError, match="dependence: "):
        Dependence.from_dict(stored, *reference.counts.shape)


def test_timestamps_are_left_out() -> None:
    """A feature that grows with time is no dependence that a later window could lose."""
    random = np.random.default_rng(0)
    days = np.arange(4_000)
    table = {
        "when": np.datetime64("2026-01-01") + days.astype("timedelta64[h]"),
        "a": days / 1_000 + random.normal(size=4_000),
        "b": random.normal(size=4_000),
    }
    dependence = Reference.build(table).dependence
    assert dependence is not None
    assert dependence.features.tolist() == [1, 2]
