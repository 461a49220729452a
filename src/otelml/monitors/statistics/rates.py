"""Is a rate in the window higher, or lower, than the reference foretells?"""

from __future__ import annotations

import math

from otelml.monitors.statistics.tails import beta_binomial_lower, beta_binomial_upper

JEFFREYS = 0.5
"""The prior count of Jeffreys. With it, the false-alarm rate at the levels that matter (1e-4 to 1e-5) stays below the
nominal one at every true rate, for windows of 200 to 10,000 rows and references of 1,000 to 10,000."""

CLOSED = 0.125
"""The prior count for what no row of the training data has: where none is missing, all are in range, or all are of a
known category, three such rows in 1,000 are evidence against a reference of 10,000. The price: where the true rate is
about 3 in as many rows as the reference has, and training saw none by chance, the test rejects some four times as
often as its level."""

_LOOK = 0.75
"""Standard deviations above the mean from which on the exact tail is worth its cost; below, p > 0.05."""


def rate_above(successes: float, rows: float, before: float, of: float, prior: float = JEFFREYS) -> float:
    """How likely are at least so many successes in the window, if its rate is the reference's?

    The tail of the beta-binomial distribution that the reference predicts: a rate distributed as Beta(before + prior,
    of - before + prior), so the uncertainty of the reference counts. Counts that are no more than usual give 1 at once.

    Args:
        successes: number of rows in the window that have it.
        rows: number of rows in the window.
        before: number of rows in the reference that have it.
        of: number of rows in the reference.
        prior: the prior number of successes.
    """
    a, b = before + prior, max(of - before, 0.0) + JEFFREYS
    if not _worth(successes, rows, a, b):
        return 1.0
    return beta_binomial_upper(round(successes), round(rows), a, b)


def rate_below(successes: float, rows: float, before: float, of: float, prior: float = JEFFREYS) -> float:
    """How likely are at most so many successes in the window, if its rate is the reference's? See `rate_above`."""
    a, b = before + prior, max(of - before, 0.0) + JEFFREYS
    if not _worth(rows - successes, rows, b, a):
        return 1.0
    return beta_binomial_lower(round(successes), round(rows), a, b)


def _worth(successes: float, rows: float, a: float, b: float) -> bool:
    mean = rows * a / (a + b)
    deviation = math.sqrt(mean * b / (a + b) * (a + b + rows) / (a + b + 1.0))
    return successes > mean + _LOOK * deviation
