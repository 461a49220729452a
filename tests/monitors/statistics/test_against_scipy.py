"""Every number that SciPy has too agrees with SciPy's; the bins' values are put to SciPy as tied values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import special, stats
from scipy.spatial import distance

from otelml.monitors import statistics

Counts = npt.NDArray[np.int64]


def same(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> None:
    """Equal to nine digits."""
    np.testing.assert_allclose(np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=1e-9, atol=1e-12)


def histograms(seed: int, bins: int = 12, rows: int = 300) -> tuple[Counts, Counts]:
    """Counts of a reference and of a window for five features, one of them without any change and one constant."""
    rng = np.random.default_rng(seed)
    shape = rng.dirichlet(np.full(bins, 0.7), size=5)
    moved = rng.dirichlet(np.full(bins, 0.7), size=5)
    moved[0] = shape[0]
    shape[1] = moved[1] = np.eye(bins)[3]
    return rng.multinomial(4 * rows, shape), rng.multinomial(rows, moved)


def values(counts: Counts) -> npt.NDArray[np.int64]:
    """Rows that have these counts."""
    return np.repeat(np.arange(len(counts)), counts)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 19, 20, 53])
def test_chi_square_tail(degrees: int) -> None:
    """From the middle to the far tail."""
    at = np.array([0.0, 1e-6, 0.3, 1.0, 7.5, 19.0, 60.0, 300.0, 900.0])
    ours = statistics.chi_square_tail(at, np.full(at.shape, degrees))
    same(ours, stats.chi2.sf(at, degrees))


def test_chi_square_tail_of_several_degrees() -> None:
    """Each with its own degrees of freedom; none at all gives 1."""
    at, degrees = np.array([3.0, 30.0, 12.0, 5.0]), np.array([2, 11, 4, 0])
    expected = [*stats.chi2.sf(at[:3], degrees[:3]), 1.0]
    same(statistics.chi_square_tail(at, degrees), expected)


def test_normal_two_sided() -> None:
    """Both signs, up to 30 standard deviations."""
    at = np.array([-30.0, -4.2, -1.0, 0.0, 0.5, 3.0, 8.0])
    same(statistics.normal_two_sided(at), 2 * stats.norm.sf(np.abs(at)))


@pytest.mark.parametrize(
    ("successes", "rows", "a", "b"),
    [
        (3, 1000, 0.5, 10_000.5),
        (0, 200, 2.5, 90.5),
        (200, 200, 2.5, 0.5),
        (40, 200, 1000.5, 9000.5),
        (19, 200, 1000.5, 9000.5),
        (700, 1000, 6500.5, 3500.5),
        (4000, 10_000, 3800.5, 6200.5),
        (1, 1, 0.5, 0.5),
    ],
)
def test_beta_binomial_tails(successes: int, rows: int, a: float, b: float) -> None:
    """Both tails, on both sides of the mean; SciPy's are sums of its probabilities."""
    chance = stats.betabinom.pmf(np.arange(rows + 1), rows, a, b)
    upper = statistics.beta_binomial_upper(successes, rows, a, b)
    lower = statistics.beta_binomial_lower(successes, rows, a, b)
    np.testing.assert_allclose(upper, chance[successes:].sum(), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(lower, chance[: successes + 1].sum(), rtol=1e-9, atol=1e-11)
    assert statistics.beta_binomial_upper(rows + 1, rows, a, b) == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_mann_whitney(seed: int) -> None:
    """The normal score, with ties."""
    reference, window = histograms(seed)
    ours = statistics.rank_tests(reference, window).location
    for feature in (0, 2, 3, 4):
        first, second = values(window[feature]), values(reference[feature])
        theirs = stats.mannwhitneyu(first, second, method="asymptotic", use_continuity=False)
        np.testing.assert_allclose(statistics.normal_two_sided(ours[feature]), theirs.pvalue, rtol=1e-9, atol=1e-300)
        assert np.sign(ours[feature]) == np.sign(theirs.statistic - len(first) * len(second) / 2)
    assert ours[1] == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_mood(seed: int) -> None:
    """The normal score, with ties."""
    reference, window = histograms(seed)
    ours = statistics.rank_tests(reference, window).scale
    for feature in (0, 2, 3, 4):
        theirs = stats.mood(values(window[feature]), values(reference[feature]))
        same(ours[feature], theirs.statistic)
    assert ours[1] == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_chi_square(seed: int) -> None:
    """Statistic, degrees of freedom and p-value, with the thin cells pooled by hand."""
    reference, window = histograms(seed)
    statistic, degrees = statistics.pooled_chi_square(reference, window)
    p = statistics.chi_square_test(reference, window)
    for feature in (0, 2, 3, 4):
        table = pooled_by_hand(reference[feature], window[feature])
        theirs = stats.chi2_contingency(table, correction=False, lambda_=0.5)
        same(statistic[feature], theirs.statistic)
        assert degrees[feature] == theirs.dof
        np.testing.assert_allclose(p[feature], theirs.pvalue, rtol=1e-9, atol=1e-300)
    assert (degrees[1], p[1]) == (0, 1.0)


def pooled_by_hand(reference: Counts, window: Counts) -> npt.NDArray[np.int64]:
    """A table of two rows without thin cells."""
    table = np.stack([reference, window])
    thin = table.sum(axis=0) * window.sum() / table.sum() < 5
    kept, pool = table[:, ~thin], table[:, thin].sum(axis=1)
    if pool.sum() * window.sum() / table.sum() >= 5:
        return np.column_stack([kept, pool])
    kept[:, kept.sum(axis=0).argmax()] += pool
    return kept


@pytest.mark.parametrize("seed", range(4))
def test_population_stability_index(seed: int) -> None:
    """Jeffreys' divergence of the smoothed shares."""
    reference, window = histograms(seed)
    p, q = ((counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True) for counts in (reference, window))
    expected = (special.rel_entr(p, q) + special.rel_entr(q, p)).sum(axis=1)
    cells = np.ones(reference.shape, dtype=bool)
    same(statistics.population_stability_index(reference, window, cells), expected)


@pytest.mark.parametrize("seed", range(4))
def test_jensen_shannon(seed: int) -> None:
    """With base 2."""
    reference, window = histograms(seed)
    cells = np.ones(reference.shape, dtype=bool)
    expected = [distance.jensenshannon(p, q, base=2) for p, q in zip(reference, window, strict=True)]
    same(statistics.jensen_shannon(reference, window, cells), expected)


@pytest.mark.parametrize("seed", range(4))
def test_kolmogorov_smirnov(seed: int) -> None:
    """The statistic over bins."""
    reference, window = histograms(seed)
    expected = [
        stats.ks_2samp(values(p), values(q), method="asymp").statistic for p, q in zip(reference, window, strict=True)
    ]
    same(statistics.kolmogorov_smirnov(reference, window), expected)


@pytest.mark.parametrize("seed", range(4))
def test_wasserstein(seed: int) -> None:
    """Between the bins' centres, in spreads, and the shift of the mean with its sign."""
    reference, window = histograms(seed)
    rng = np.random.default_rng(seed)
    centers = np.sort(rng.normal(size=reference.shape), axis=1)
    spread = rng.uniform(0.5, 2.0, size=len(reference))
    ours, shift = statistics.wasserstein(reference, window, centers, spread)
    for feature, (p, q) in enumerate(zip(reference, window, strict=True)):
        place = centers[feature]
        theirs = stats.wasserstein_distance(place, place, p, q) / spread[feature]
        same(ours[feature], theirs)
        moved = (np.average(place, weights=q) - np.average(place, weights=p)) / spread[feature]
        same(shift[feature], moved)


def test_benjamini_hochberg() -> None:
    """Adjusted p-values, in the order given."""
    p = np.random.default_rng(1).uniform(size=40) ** 3
    same(statistics.benjamini_hochberg(p), stats.false_discovery_control(p, method="bh"))
