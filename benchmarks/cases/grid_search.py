"""A grid search of 200 fits: one call, one root span."""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from benchmarks import models
from benchmarks.alternating import HEADER, rounds
from benchmarks.alternating import subject as turns_of
from benchmarks.harness import Contender, Size, measure
from benchmarks.report import Check, Report, Table, held, ratio_table
from benchmarks.sdk import Sdk
from benchmarks.subject import Facts, Subject
from benchmarks.subjects import Methods, variants

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


def alternating(candidates: int) -> Subject:
    """Searches with our methods and with scikit-learn's own, in one process."""
    from otelml import instrument

    sdk, data = Sdk(), models.load()
    instrument()
    threadpool_limits(1)  # two threads of BLAS on two cores wait for each other by turns
    search = _searches(sdk, data, candidates).call
    search(None)
    return turns_of(variants(search, None, Methods()), 1, 0)


def _searches(sdk: Sdk, data: models.Data, candidates: int) -> Subject:
    searches = 0

    def search(_: Any) -> None:
        nonlocal searches
        searches += 1
        grid = {"C": [10 ** (-2 + 3 * number / candidates) for number in range(candidates)]}
        GridSearchCV(LogisticRegression(max_iter=1000), grid, cv=_FOLDS).fit(data.features, data.target)

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
    measured = measure(contenders, Size(1, 1, 1, 0) if quick else Size(3, 8, 1, 0))
    told = measured.facts["otelml"]
    turns = rounds("benchmarks.cases.grid_search:alternating", {"candidates": candidates}, 3 if quick else 60)
    roots = told["roots"] / told["searches"]
    return Report(
        title="GridSearchCV of 200 fits",
        about=f"{candidates} values of C, {_FOLDS} folds: {candidates * _FOLDS} fits and as many scores a search, "
        "and the best one fitted anew, whose profile is left for the monitors. A call is a search. The limit is held "
        "against the last table: one process, with one thread of BLAS, that puts our methods in and takes them out, "
        "medians and 95% intervals.",
        tables=[ratio_table("", measured), Table("", HEADER, turns.rows("200 fits", ("bare again", "otelml")))],
        checks=[
            held("otelml, mean to bare", turns.ratio("otelml"), 1.02),
            Check("root spans a search", f"{roots:g}", "1", roots == 1),
            Check("spans a search", f"{told['spans'] / told['searches']:g}", "1", told["spans"] == told["searches"]),
        ],
    )
