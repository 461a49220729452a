"""Candidates of a search: those that joblib runs in this process as they end, the others from the search's results.

scikit-learn tells callbacks (1.9) of them, too, at 30 us for each. Where joblib's tasks pass through here in any case,
it is 3; and a search takes a callback with it to workers, which may not have otelml.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import Any

from otelml._guard import guarded
from otelml.instrumentation.sklearn.tasks import FitTasks
from otelml.semconv.attributes import TrainingTaskType

Key = tuple[int, int]
"""Of a search, in the process with that number alone."""

searching: ContextVar[Candidates | None] = ContextVar("otelml_sklearn_searching", default=None)
"""The search that this context is the `fit` of, outside its candidates."""

LONG = 10_000_000
"""Nanoseconds after which a candidate is counted when it ends; quicker ones together."""
_TOGETHER = 32

_searches: dict[Key, Candidates] = {}


class Candidates(FitTasks):
    """Reports every candidate of the outermost search on every split.

    Attributes:
        key: by which tasks in other threads find it.
        ended: the durations, in ns, of candidates that have been fitted and scored on a split, or have failed, and are
            not counted yet. Appending to it is atomic.
        together: how many of those are counted at a time.
    """

    @staticmethod
    def has_any(attributes: Mapping[str, Any]) -> bool:
        """Whether it is a search."""
        return {"estimator", "cv", "refit"} <= attributes.keys()

    def begin(self) -> None:
        """From now on, candidates report to this."""
        self.key: Key = (os.getpid(), id(self))
        self.ended: list[int] = []
        self.together = 1 if self.with_spans else _TOGETHER
        self._seen = 0
        self._lock = threading.Lock()
        self._token: Token[Candidates | None] = searching.set(self)
        _searches[self.key] = self

    @guarded
    def end(self) -> None:
        """Now they do not."""
        _searches.pop(self.key, None)
        searching.reset(self._token)
        self.settle()

    @guarded
    def settle(self) -> None:
        """Count the candidates that have ended."""
        with self._lock:
            ended = self.ended[:]
            del self.ended[: len(ended)]  # other threads go on appending
            self._seen += len(ended)
        if ended:
            self.count(TrainingTaskType.CANDIDATE, None, ended)

    @guarded
    def complete(self) -> None:
        """Report those that ended elsewhere: in loky's workers, and all before 1.9."""
        found = vars(self.estimator)
        if not {"cv_results_", "n_splits_"} <= found.keys():
            return
        results, splits = found["cv_results_"], int(found["n_splits_"])
        total = len(results["params"]) * splits
        unseen = total - self._seen
        if unseen > 0:
            times = zip(results["mean_fit_time"], results["mean_score_time"], strict=True)
            seconds = sum(float(fit + score) for fit, score in times) * splits * unseen / total
            self.operation.target.series.add_tasks(TrainingTaskType.CANDIDATE, None, unseen, seconds)


@guarded
def search_of(key: Key | None) -> Candidates | None:
    """The search with a key, in the process that it runs in: forked workers have a copy that nobody reads."""
    found = _searches.get(key) if key is not None else None
    return found if found is not None and found.key[0] == os.getpid() else None
