"""A grid search of 200 fits: one call, one root span."""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from benchmarks import models
from benchmarks.harness import Contender, Size, measure
from benchmarks.report import Check, Report, Target, check, ratio_table
from benchmarks.sdk import Sdk
from benchmarks.subject import Facts, Subject

_CANDIDATES = 40
_FOLDS = 5


def bare(candidates: int) -> Subject:
    """A new search a call."""
    return _searches(Sdk(), models.load(), candidates)


def otelml(candidates: int) -> Subject:
    """The same with otelml, the first search included."""
    from otelml import instrument

    sdk, data = Sdk(), models.load()
    instrument()
    return _searches(sdk, data, candidates)


def _searches(sdk: Sdk, data: models.Data, candidates: int) -> Subject:
    searches = 0

    def search(_: Any) -> None:
        nonlocal searches
        searches += 1
        grid = {"C": [10 ** (-2 + 3 * number / candidates) for number in range(candidates)]}
        GridSearchCV(LogisticRegression(max_iter=1000), grid, cv=_FOLDS, refit=False).fit(data.features, data.target)

    def facts() -> Facts:
        spans, roots = sdk.spans()
        return {"searches": searches, "spans": spans, "roots": roots}

    return Subject(search, chunk=1, facts=facts)


def run(quick: bool) -> Report:
    """Measure whole searches."""
    candidates = 4 if quick else _CANDIDATES
    contenders = [
        Contender(name, f"benchmarks.cases.grid_search:{name}", {"candidates": candidates})
        for name in ("bare", "otelml")
    ]
    measured = measure(contenders, Size(1, 1, 1, 0) if quick else Size(5, 12, 1, 0))
    told = measured.facts["otelml"]
    roots = told["roots"] / told["searches"]
    return Report(
        title="GridSearchCV of 200 fits",
        about=f"{candidates} values of C, {_FOLDS} folds: {candidates * _FOLDS} fits and as many scores a search, in "
        "one process. A call is a search.",
        tables=[ratio_table("", measured)],
        checks=[
            *check(measured, [Target("otelml", "mean", 1.02)]),
            Check("root spans a search", f"{roots:g}", "1", roots == 1),
            Check("spans a search", f"{told['spans'] / told['searches']:g}", "1", told["spans"] == told["searches"]),
        ],
    )
