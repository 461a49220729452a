"""Steps of a pipeline and candidates of a search, through scikit-learn's callbacks (1.9) and from a search's results.

The callback is on the estimator for the time of the outermost `fit` only. Only pipelines and searches get it: a linear
model would call it for every iteration of its solver.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns, time_ns
from typing import Any

from otelml._guard import guarded
from otelml.semconv.attributes import TrainingTaskType
from otelml.telemetry import Operation

_CALLBACKS = "_skl_callbacks"
_STEP = "fit-transform-"
_FINAL_STEPS = {"fit-final-estimator", "fit-transform-final-estimator", "fit-predict-final-estimator"}
_CANDIDATE = "candidate-split-evaluation"

_Ended = Callable[[str, str | None, int, int], None]


class FitTasks:
    """A fit callback that reports every step and candidate of one call of `fit`.

    It must have no `max_propagation_depth`: scikit-learn would then warn about every part that takes no callbacks.
    """

    def __init__(self, ended: _Ended | None = None) -> None:
        """Report to a function, given type, name, ns and number of tasks that have ended; a copy reports to nothing."""
        self._ended = ended
        self._began: dict[int, int] = {}
        self._candidates = 0

    def __reduce__(self) -> tuple[type[FitTasks], tuple[()]]:
        # loky pickles the search, and this with it, for its workers.
        return FitTasks, ()

    @guarded
    def setup(self, estimator: Any, context: Any) -> None:
        """Begin of the fit; nothing to do."""

    @guarded
    def teardown(self, estimator: Any, context: Any) -> None:
        """End of the fit; nothing to do."""

    @guarded
    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """A task begins."""
        if self._ended is not None:
            self._began[id(context)] = perf_counter_ns()

    @guarded
    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """A task has ended."""
        began = self._began.pop(id(context), None)
        if self._ended is None or began is None:
            return
        duration = perf_counter_ns() - began
        task: str = context.task_name
        if task == _CANDIDATE:
            self._candidates += 1
            self._ended(TrainingTaskType.CANDIDATE, None, duration, 1)
        elif task in _FINAL_STEPS:
            self._ended(TrainingTaskType.STEP, estimator.steps[-1][0], duration, 1)
        elif task.startswith(_STEP):
            self._ended(TrainingTaskType.STEP, task.removeprefix(_STEP), duration, 1)

    @guarded
    def complete(self, estimator: Any) -> None:
        """Report the candidates that the callback did not see: those of loky's workers, and all before 1.9."""
        found = vars(estimator)
        if self._ended is None or not {"cv_results_", "n_splits_"} <= found.keys():
            return
        results, splits = found["cv_results_"], int(found["n_splits_"])
        total = len(results["params"]) * splits
        unseen = total - self._candidates
        if unseen > 0:
            seconds = sum(float(mean) for mean in results["mean_fit_time"]) * splits * unseen / total
            self._ended(TrainingTaskType.CANDIDATE, None, int(seconds * 1e9), unseen)


@guarded
def watch(estimator: Any, operation: Operation, *, with_spans: bool) -> FitTasks | None:
    """Put a callback on a pipeline or search for the time of its `fit`, beside the user's own.

    Args:
        estimator: the estimator whose outermost `fit` begins.
        operation: the call.
        with_spans: whether every task gets a span.
    """
    attributes = vars(estimator)
    if not ("steps" in attributes or {"estimator", "cv", "refit"} <= attributes.keys()):
        return None

    def ended(type_: str, name: str | None, duration: int, count: int) -> None:
        operation.target.series.add_tasks(type_, name, count, duration * 1e-9)
        if with_spans and count == 1:
            operation.task_span(type_, name, time_ns() - duration)

    tasks = FitTasks(ended)
    if hasattr(estimator, "_init_callback_context"):
        setattr(estimator, _CALLBACKS, [*attributes.get(_CALLBACKS, ()), tasks])
    return tasks


@guarded
def unwatch(estimator: Any, tasks: FitTasks) -> None:
    """Take the callback off again, leaving the user's own."""
    left = [callback for callback in vars(estimator).get(_CALLBACKS, ()) if callback is not tasks]
    if left:
        setattr(estimator, _CALLBACKS, left)
    else:
        vars(estimator).pop(_CALLBACKS, None)
