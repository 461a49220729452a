"""joblib's workers know that they work for an instrumented call, so that they make no orphan calls.

Without this, a forest's `predict` with `n_jobs=2` is 1 call and 50 more from its worker threads, and the loky workers
of a search make their own root calls (scikit-learn 1.9.1). What a worker must know travels as a plain dict on
scikit-learn's task wrapper, which workers without otelml ignore.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any

from opentelemetry.context import Context, attach, detach
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import get_current_span

from otelml._guard import guarded
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.sklearn import evaluation, runtime
from otelml.instrumentation.sklearn.candidates import LONG, Candidates, search_of, searching

_STATE = "_otelml_task"
_INSIDE = "inside"
_MEASURES = "measures"
_SEARCH = "search"


def _dispatch(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`Parallel.__call__(self, iterable)`: the state is read here, as another thread may dispatch the tasks."""
    if len(args) != 2 or kwargs:
        return function(*args, **kwargs)
    parallel, tasks = args
    search = searching.get()
    here = getattr(parallel, "n_jobs", None) == 1
    if here and search is None and runtime.inside.get():
        return function(parallel, tasks)  # of a call that is counted as one, whatever its tasks do
    marks = _marks(search, here=here)
    return function(parallel, tasks if marks is None else marks.all(tasks))


def _working(function: Callable[..., Any]) -> Callable[..., Any]:
    """What `_FuncWrapper.__call__` becomes, in a worker or in the caller's thread."""

    @functools.wraps(function)
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        state = self.__dict__.get(_STATE)
        if state is None:
            return function(self, *args, **kwargs)
        search = search_of(state.get(_SEARCH))
        if state.get(_INSIDE) and runtime.inside.get():  # the caller's own thread, or a copy of it in a forked worker
            return _run(search, function, self, args, kwargs)
        context = _context(state)
        inside = runtime.inside.set(bool(state.get(_INSIDE)))
        measuring = runtime.evaluating.set(True) if state.get(_MEASURES) else None
        attached = attach(context) if context is not None else None
        try:
            return _run(search, function, self, args, kwargs)
        finally:
            if attached is not None:
                detach(attached)
            if measuring is not None:
                runtime.evaluating.reset(measuring)
            runtime.inside.reset(inside)

    return __call__


def _run(
    search: Candidates | None, function: Callable[..., Any], task: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run a task, and tell the search whose candidate it is."""
    if search is None:
        return function(task, *args, **kwargs)
    outside = searching.set(None)
    began = perf_counter_ns()
    try:
        return function(task, *args, **kwargs)
    finally:
        duration = perf_counter_ns() - began
        searching.reset(outside)
        search.ended.append(duration)
        if duration > LONG or len(search.ended) >= search.together:
            search.settle()


@guarded
def _marks(search: Candidates | None, *, here: bool) -> _Marks | None:
    if not runtime.is_active():
        return None
    state: dict[str, Any] = {}
    if not here and get_current_span().get_span_context().is_valid:
        inject(state)
    if runtime.inside.get():
        state[_INSIDE] = True
    return _Marks(state, search)


class _Marks:
    """What the tasks of one call of joblib take along."""

    def __init__(self, state: dict[str, Any], search: Candidates | None) -> None:
        self._state = state
        self._estimator = search and search.estimator
        self._measuring = {**state, _MEASURES: True}
        self._candidate = self._measuring if search is None else {**self._measuring, _SEARCH: search.key}

    def all(self, tasks: Any) -> Iterator[Any]:
        for task in tasks:
            self._mark(task)
            yield task

    @guarded
    def _mark(self, task: tuple[Any, ...]) -> None:
        if type(task[0]).__name__ != "_FuncWrapper":
            return  # a function of the host's own, with joblib's `delayed`
        known = vars(task[0])
        if getattr(known.get("function"), "__name__", None) in evaluation.MEASURING_TASKS:
            caller = task[2].get("caller")  # from 1.9 on: a search inside a search has candidates of its own
            known[_STATE] = self._candidate if caller is not None and caller is self._estimator else self._measuring
        elif self._state:
            known[_STATE] = self._state


@guarded
def _context(state: dict[str, Any]) -> Context | None:
    carrier = {key: value for key, value in state.items() if isinstance(value, str)}
    if not carrier or get_current_span().get_span_context().is_valid:
        return None  # the caller had no span, or it is the caller's own thread
    return extract(carrier)


PATCHES = PatchTable(
    Patch("sklearn.utils.parallel", "Parallel.__call__", _dispatch),
    Patch("sklearn.utils.parallel", "_FuncWrapper.__call__", _working, makes=True),
)
