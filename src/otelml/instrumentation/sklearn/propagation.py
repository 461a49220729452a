"""joblib's workers know that they work for an instrumented call, so that they make no orphan calls.

Without this, a forest's `predict` with `n_jobs=2` is 1 call and 50 more from its worker threads, and the loky workers
of a search make their own root calls (scikit-learn 1.9.1). What a worker must know travels as a plain dict on
scikit-learn's task wrapper, which workers without otelml ignore.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry.context import Context, attach, detach
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import get_current_span

from otelml._guard import guarded
from otelml.instrumentation._patches import Patch, PatchTable
from otelml.instrumentation.sklearn import evaluation, runtime

_STATE = "_otelml_task"
_INSIDE = "inside"
_MEASURES = "measures"


def _dispatch(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`Parallel.__call__(self, iterable)`: the state is read here, as another thread may dispatch the tasks."""
    if len(args) != 2 or kwargs:
        return function(*args, **kwargs)
    parallel, tasks = args
    here = getattr(parallel, "n_jobs", None) == 1
    if here and runtime.inside.get():
        return function(parallel, tasks)  # of a call that is counted as one, whatever its tasks do
    state = _state(here=here)
    return function(parallel, tasks if state is None else _marked(tasks, state))


def _working(function: Callable[..., Any]) -> Callable[..., Any]:
    """What `_FuncWrapper.__call__` becomes, in a worker or in the caller's thread."""

    @functools.wraps(function)
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        state = self.__dict__.get(_STATE)
        if state is None:
            return function(self, *args, **kwargs)
        context = _context(state)
        inside = runtime.inside.set(bool(state.get(_INSIDE)))
        measuring = runtime.evaluating.set(True) if state.get(_MEASURES) else None
        attached = attach(context) if context is not None else None
        try:
            return function(self, *args, **kwargs)
        finally:
            if attached is not None:
                detach(attached)
            if measuring is not None:
                runtime.evaluating.reset(measuring)
            runtime.inside.reset(inside)

    return __call__


@guarded
def _state(*, here: bool) -> dict[str, Any] | None:
    if not runtime.is_active():
        return None
    carrier: dict[str, Any] = {}
    if not here and get_current_span().get_span_context().is_valid:
        inject(carrier)
    if runtime.inside.get():
        carrier[_INSIDE] = True
    return carrier


def _marked(tasks: Any, state: dict[str, Any]) -> Iterator[Any]:
    for task in tasks:
        _mark(task, state)
        yield task


@guarded
def _mark(task: tuple[Any, ...], state: dict[str, Any]) -> None:
    if type(task[0]).__name__ != "_FuncWrapper":
        return  # a function of the host's own, with joblib's `delayed`
    known = vars(task[0])
    if getattr(known.get("function"), "__name__", None) in evaluation.MEASURING_TASKS:
        known[_STATE] = {**state, _MEASURES: True}
    elif state:
        known[_STATE] = state


@guarded
def _context(state: dict[str, Any]) -> Context | None:
    if get_current_span().get_span_context().is_valid:
        return None  # the caller's own thread
    carrier = {key: value for key, value in state.items() if isinstance(value, str)}
    return extract(carrier) if carrier else None


PATCHES = PatchTable(
    Patch("sklearn.utils.parallel", "Parallel.__call__", _dispatch),
    Patch("sklearn.utils.parallel", "_FuncWrapper.__call__", _working, makes=True),
)
