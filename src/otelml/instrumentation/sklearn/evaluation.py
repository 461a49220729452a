"""Cross-validation, scorers and inspection measure a model: the predictions that they make are no traffic."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.sklearn import runtime

MEASURING_TASKS = {
    "_calculate_permutation_scores",
    "_fit_and_predict",
    "_fit_and_score",
    "_incremental_fit_estimator",
    "_permutation_test_score",
}
"""The functions of scikit-learn that joblib runs to measure a model (1.4 to 1.9). They are not patched, since pickle
would then refuse those that another module had imported before; `propagation` knows them by name."""


def _measuring(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def measuring(*args: Any, **kwargs: Any) -> Any:
        if runtime.inside.get():  # a search's, which is a fit
            return function(*args, **kwargs)
        token = runtime.evaluating.set(True)
        try:
            return function(*args, **kwargs)
        finally:
            runtime.evaluating.reset(token)

    return measuring


PATCHES = PatchTable(
    Patch("sklearn.metrics._scorer", "_BaseScorer.__call__", _measuring, makes=True),
    Patch("sklearn.metrics._scorer", "_PassthroughScorer.__call__", _measuring, makes=True),
    Patch("sklearn.inspection._partial_dependence", "_partial_dependence_brute", _measuring, makes=True),
)
