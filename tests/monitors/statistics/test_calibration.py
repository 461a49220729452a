"""Rates of false alarms, and what corrections correct, over many simulated windows."""

from __future__ import annotations

import numpy as np
import pytest

from otelml.monitors import statistics

RUNS = 20_000


@pytest.mark.parametrize(("bins", "rows"), [(10, 200), (20, 200), (50, 200), (20, 1_000), (50, 1_000)])
@pytest.mark.parametrize("even", [True, False], ids=["even", "zipf"])
def test_the_correction_of_the_population_stability_index(bins: int, rows: int, even: bool) -> None:
    """Without drift the raw index is what its bias foretells, and the corrected one is 0, on average."""
    rng = np.random.default_rng(bins * rows)
    shape = np.full(bins, 1 / bins) if even else 1 / np.arange(1, bins + 1)
    shape = shape / shape.sum()
    reference, window = (rng.multinomial(number, shape, size=2_000) for number in (10_000, rows))
    cells = np.ones(reference.shape, dtype=bool)
    raw = statistics.population_stability_index(reference, window, cells).mean()
    corrected = statistics.corrected_psi(reference, window, cells).mean()
    assert raw > 0.6 * (bins - 1) * (1 / rows + 1 / 10_000)
    assert abs(corrected) < 0.06 * raw


def test_the_bias_of_full_cells() -> None:
    """It is (bins - 1)(1/n + 1/m)."""
    full = np.full((1, 10), 10_000)
    bias = statistics.psi_bias(full, full // 10, np.ones((1, 10), dtype=bool))
    assert bias[0] == pytest.approx(9 * (1 / 100_000 + 1 / 10_000), rel=0.01)


@pytest.mark.parametrize("rows", [200, 1_000, 10_000])
def test_tests_on_bins_keep_their_level(rows: int) -> None:
    """At 1%, over references and windows of the same shape, with 20 even bins, an atom, and many rare categories."""
    rng = np.random.default_rng(rows)
    atom = np.r_[0.6, np.full(19, 0.4 / 19)]
    zipf = 1 / np.arange(1, 21)
    for shape in (np.full(20, 0.05), atom, zipf / zipf.sum()):
        reference, window = (rng.multinomial(number, shape, size=RUNS) for number in (10_000, rows))
        ranks = statistics.rank_tests(reference, window)
        for p in (
            statistics.normal_two_sided(ranks.location),
            statistics.normal_two_sided(ranks.scale),
            statistics.chi_square_test(reference, window),
        ):
            assert 0.007 < (p <= 0.01).mean() < 0.0125


@pytest.mark.parametrize("rate", [0.0, 1e-4, 3e-4, 1e-3, 0.05])
@pytest.mark.parametrize("rows", [200, 1_000, 10_000])
def test_tests_of_rates_keep_their_level(rate: float, rows: int) -> None:
    """At 0.1%, whatever the true rate is."""
    rng = np.random.default_rng(rows)
    before, now = rng.binomial(10_000, rate, 4_000), rng.binomial(rows, rate, 4_000)
    p = np.array([statistics.rate_above(x, rows, k, 10_000) for x, k in zip(now, before, strict=True)])
    assert (p <= 0.001).mean() <= 0.0025
    low = np.array([statistics.rate_below(x, rows, k, 10_000) for x, k in zip(now, before, strict=True)])
    assert (low <= 0.001).mean() <= 0.0025


def test_rates_that_are_no_more_than_usual() -> None:
    """They are 1 without any sum; those above agree with the exact tail."""
    assert statistics.rate_above(5, 1_000, 50, 10_000) == 1.0
    assert statistics.rate_below(5, 1_000, 50, 10_000) == 1.0
    exact = statistics.beta_binomial_upper(17, 1_000, 50.5, 9_950.5)
    assert statistics.rate_above(17, 1_000, 50, 10_000) == exact < 1e-3


def test_weighted_bonferroni() -> None:
    """The smallest p over its share; tests without a share count for nothing."""
    p = np.array([[0.01, 0.5], [0.001, 0.9], [1e-9, 1e-9]])
    shares = np.array([[0.5, 0.5], [0.5, 0.5], [0.0, 0.0]])
    np.testing.assert_allclose(statistics.weighted_bonferroni(p, shares), [0.002, 1.0])


def test_nothing_to_compare() -> None:
    """Features without rows, and constant ones, are no evidence."""
    reference, window = np.array([[0, 0, 0], [0, 9, 0], [5, 5, 5]]), np.array([[0, 0, 0], [0, 4, 0], [0, 0, 0]])
    cells = np.ones(reference.shape, dtype=bool)
    ranks = statistics.rank_tests(reference, window)
    assert not ranks.location.any()
    assert not ranks.scale.any()
    assert statistics.chi_square_test(reference, window).tolist() == [1.0, 1.0, 1.0]
    assert statistics.jensen_shannon(reference[:2], window[:2], cells[:2]).tolist() == [0.0, 0.0]
    assert np.isfinite(statistics.corrected_psi(reference, window, cells)).all()
