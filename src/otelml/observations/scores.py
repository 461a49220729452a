"""Scores counted by bin, with bins that are the same everywhere, so that counts of any two processes add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

PROBABILITY_BOUNDS = tuple(k / 20 for k in range(1, 21))
"""Upper bounds, inclusive, of the bins for probabilities: steps of 0.05 up to 1."""

_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)
SCORE_BOUNDS = (*(-step for step in reversed(_STEPS)), 0.0, *_STEPS)
"""Upper bounds, inclusive, for scores without limits, such as decision functions and log probabilities."""

NAN = "NaN"
_ABOVE = "+Inf"


def _texts(bounds: tuple[float, ...]) -> tuple[str, ...]:
    return (*(f"{bound:g}" for bound in bounds), _ABOVE)


_TEXTS = {bounds: _texts(bounds) for bounds in (PROBABILITY_BOUNDS, SCORE_BOUNDS)}
_EDGES = {bounds: np.array(bounds) for bounds in (PROBABILITY_BOUNDS, SCORE_BOUNDS)}


def count_bins(scores: npt.NDArray[Any], bounds: tuple[float, ...]) -> dict[str, int]:
    """Count scores by bin.

    Args:
        scores: real numbers of any shape; NaN is counted apart.
        bounds: `PROBABILITY_BOUNDS` or `SCORE_BOUNDS`.

    Returns:
        The number of scores by the bin's upper bound as text, `+Inf` above the last, `NaN` for no number; without
        empty bins.
    """
    flat = scores.ravel()
    missing = int(np.isnan(flat).sum())
    if missing:
        flat = flat[~np.isnan(flat)]
    counts = np.bincount(np.searchsorted(_EDGES[bounds], flat), minlength=0).tolist()
    binned = {text: count for text, count in zip(_TEXTS[bounds], counts, strict=False) if count}
    if missing:
        binned[NAN] = missing
    return binned
