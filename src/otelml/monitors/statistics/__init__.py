"""Tests and effect sizes on counts, vectorised over features: pure functions of numpy arrays, without SciPy."""

from __future__ import annotations

from otelml.monitors.statistics.effects import (
    corrected_psi,
    jensen_shannon,
    kolmogorov_smirnov,
    population_stability_index,
    psi_bias,
    shares,
    wasserstein,
)
from otelml.monitors.statistics.multiplicity import benjamini_hochberg, weighted_bonferroni
from otelml.monitors.statistics.pooled import chi_square_test, pooled_chi_square
from otelml.monitors.statistics.ranks import RankTests, rank_tests
from otelml.monitors.statistics.rates import rate_above, rate_below
from otelml.monitors.statistics.tails import (
    beta_binomial_lower,
    beta_binomial_upper,
    chi_square_tail,
    normal_two_sided,
)

__all__ = [
    "RankTests",
    "benjamini_hochberg",
    "beta_binomial_lower",
    "beta_binomial_upper",
    "chi_square_tail",
    "chi_square_test",
    "corrected_psi",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "normal_two_sided",
    "pooled_chi_square",
    "population_stability_index",
    "psi_bias",
    "rank_tests",
    "rate_above",
    "rate_below",
    "shares",
    "wasserstein",
    "weighted_bonferroni",
]
