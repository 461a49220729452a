"""joblib's workers know that they work for an instrumented call, so that they make no orphan calls.

Without this, a forest's `predict` with `n_jobs=2` is 1 call and 50 more from its worker threads, and the loky workers
of a search make their own root calls (scikit-learn 1.9.1). What a worker must know travels as a plain dict on
scikit-learn's task wrapper, which workers without otelml ignore.
"""

from __future__ import annotations

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


def _dispatch(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`Parallel.__call__(self, iterable)`: the state is read here, as another thread may dispatch the tasks."""
    # Without workers the tasks run here, where everything is known already.
    workers = len(args) == 2 and not kwargs and getattr(args[0], "n_jobs", None) != 1
    state = _state() if workers else None
    if state is None:
        return function(*args, **kwargs)
    parallel, tasks = args
    return function(parallel, _marked(tasks, state))


def _work(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`_FuncWrapper.__call__(self, ...)`, in a worker or in the caller's thread."""
    state = vars(args[0]).get(_STATE)
    if state is None and runtime.inside.get():
        return function(*args, **kwargs)  # of a call that is counted as one, whatever its tasks do
    measuring = runtime.evaluating.set(True) if _measures(args[0]) else None
    try:
        return function(*args, **kwargs) if state is None else _work_marked(function, args, kwargs, state)
    finally:
        if measuring is not None:
            runtime.evaluating.reset(measuring)


def _work_marked(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], state: dict[str, Any]
) -> Any:
    context = _context(state)
    token = runtime.inside.set(bool(state.get(_INSIDE)))
    attached = attach(context) if context is not None else None
    try:
        return function(*args, **kwargs)
    finally:
        if attached is not None:
            detach(attached)
        runtime.inside.reset(token)


@guarded
def _measures(task: Any) -> bool:
    return getattr(vars(task).get("function"), "__name__", None) in evaluation.MEASURING_TASKS


@guarded
def _state() -> dict[str, Any] | None:
    if not runtime.is_active():
        return None
    carrier: dict[str, Any] = {}
    if get_current_span().get_span_context().is_valid:
        inject(carrier)
    if runtime.inside.get():
        carrier[_INSIDE] = True
    return carrier or None


def _marked(tasks: Any, state: dict[str, Any]) -> Iterator[Any]:
    for task in tasks:
        _mark(task, state)
        yield task


@guarded
def _mark(task: tuple[Any, ...], state: dict[str, Any]) -> None:
    if type(task[0]).__name__ == "_FuncWrapper":  # else a function of the host's own, with joblib's `delayed`
        vars(task[0])[_STATE] = state


@guarded
def _context(state: dict[str, Any]) -> Context | None:
    if get_current_span().get_span_context().is_valid:
        return None  # the caller's own thread
    carrier = {key: value for key, value in state.items() if isinstance(value, str)}
    return extract(carrier) if carrier else None


PATCHES = PatchTable(
    Patch("sklearn.utils.parallel", "Parallel.__call__", _dispatch),
    Patch("sklearn.utils.parallel", "_FuncWrapper.__call__", _work),
)
