"""Many tests, one rate of false alarms."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def weighted_bonferroni(p_values: npt.ArrayLike, weights: npt.ArrayLike) -> FloatArray:
    """One p-value for each feature from those of several tests.

    Args:
        p_values: of shape (tests, features).
        weights: of shape (tests, features), with a sum of 1 over the tests; a test of weight 0 is left out.
    """
    p = np.asarray(p_values, dtype=np.float64)
    share = np.asarray(weights, dtype=np.float64)
    each = np.divide(p, share, out=np.full(p.shape, np.inf), where=share > 0)
    return np.asarray(np.minimum(each.min(axis=0), 1.0), dtype=np.float64)


def benjamini_hochberg(p_values: npt.ArrayLike) -> FloatArray:
    """p-values adjusted so that those at most q are a set with a false discovery rate of q.

    Benjamini and Hochberg, "Controlling the false discovery rate", 1995. Where nothing has changed at all, the chance
    of any discovery is q (Simes, 1986).

    Args:
        p_values: of shape (features,).
    """
    p: npt.NDArray[Any] = np.asarray(p_values, dtype=np.float64)
    count = p.size
    order = np.argsort(p)
    steps = p[order] * count / np.arange(1, count + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return adjusted
