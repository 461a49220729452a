"""Steps of a pipeline, through scikit-learn's callbacks (1.9).

The callback is on the pipeline for the time of the outermost `fit` only. Nothing else gets it: a linear model would
call it for every iteration of its solver, and scikit-learn takes 30 us to call it for a candidate of a search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

from otelml._guard import guarded
from otelml.instrumentation.sklearn.tasks import FitTasks
from otelml.semconv.attributes import TrainingTaskType

_CALLBACKS = "_skl_callbacks"
_STEP = "fit-transform-"
_FINAL_STEPS = {"fit-final-estimator", "fit-transform-final-estimator", "fit-predict-final-estimator"}


class Steps(FitTasks):
    """Reports the steps of the outermost pipeline."""

    @staticmethod
    def has_any(attributes: Mapping[str, Any]) -> bool:
        """Whether it is a pipeline."""
        return "steps" in attributes

    def begin(self) -> None:
        """Put the callback on, beside the user's own."""
        self._callback = StepCallback(lambda name, duration: self.count(TrainingTaskType.STEP, name, [duration]))
        if hasattr(self.estimator, "_init_callback_context"):
            setattr(self.estimator, _CALLBACKS, [*vars(self.estimator).get(_CALLBACKS, ()), self._callback])

    @guarded
    def end(self) -> None:
        """Take the callback off again, leaving the user's own."""
        left = [callback for callback in vars(self.estimator).get(_CALLBACKS, ()) if callback is not self._callback]
        if left:
            setattr(self.estimator, _CALLBACKS, left)
        else:
            vars(self.estimator).pop(_CALLBACKS, None)
        self._callback.tell = None  # scikit-learn keeps the callback in a cache of signatures


class StepCallback:
    """A fit callback that tells the duration of every step.

    It must have no `max_propagation_depth`: scikit-learn would then warn about every part that takes no callbacks.

    Attributes:
        tell: is given the name and the ns of each step; None tells nobody, as in a copy.
    """

    def __init__(self, tell: Callable[[str, int], None] | None = None) -> None:
        self.tell = tell
        self._began: dict[int, int] = {}

    def __reduce__(self) -> tuple[type[StepCallback], tuple[()]]:
        # Whatever pickles a pipeline while it is fitted pickles this with it.
        return StepCallback, ()

    @guarded
    def setup(self, estimator: Any, context: Any) -> None:
        """Begin of the fit; nothing to do."""

    @guarded
    def teardown(self, estimator: Any, context: Any) -> None:
        """End of the fit; nothing to do."""

    @guarded
    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """A task begins."""
        self._began[id(context)] = perf_counter_ns()

    @guarded
    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """A task has ended."""
        began = self._began.pop(id(context), None)
        if self.tell is None or began is None:
            return
        duration = perf_counter_ns() - began
        task: str = context.task_name
        if task in _FINAL_STEPS:
            self.tell(estimator.steps[-1][0], duration)
        elif task.startswith(_STEP):
            self.tell(task.removeprefix(_STEP), duration)
