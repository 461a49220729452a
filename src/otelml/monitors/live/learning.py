"""The profile that training leaves on a model."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from otelml._guard import guarded
from otelml.monitors.live import chunks
from otelml.monitors.live.partial import GrowingReference
from otelml.monitors.live.profiled import FIT, leave_reference, profiled
from otelml.monitors.live.watch import build_options
from otelml.monitors.reference import Reference
from otelml.observations import ModelIdentity
from otelml.settings import Settings


class Learning:
    """Profiles the data of every outermost fit, and adds those of `partial_fit` up."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._growing: weakref.WeakKeyDictionary[Any, GrowingReference] = weakref.WeakKeyDictionary()

    def learned(
        self, model: Any, identity: ModelIdentity, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> None:
        """Leave a profile of what a model has been fitted with.

        Args:
            model: the fitted model.
            identity: who it is.
            arguments: the positional arguments, without the model.
            keywords: the keyword arguments.
        """
        table, target = _data(arguments, keywords)
        if not chunks.row_count(table):
            return
        reference = self._build(identity, table, target)
        # scikit-learn's searches: the model that is taken out of one and served has seen the same data.
        best = vars(model).get("best_estimator_") if hasattr(model, "__dict__") else None
        leave_reference(reference, FIT, *(each for each in (model, best) if each is not None))

    def learned_part(
        self,
        model: Any,
        identity: ModelIdentity,
        arguments: Sequence[Any],
        keywords: Mapping[str, Any],
        duration: int,
    ) -> None:
        """Add what a model has learned from in a call of `partial_fit` to what was left on it.

        Args:
            model: the model.
            identity: who it is.
            arguments: the positional arguments, without the model.
            keywords: the keyword arguments.
            duration: of the call, in ns.
        """
        growing = self._growing.get(model)
        if growing is None:
            budget = self._settings.overhead_budget
            growing = self._growing[model] = GrowingReference(
                self._earlier(model), lambda table, target: self._build(identity, table, target), budget
            )
        growing.add(model, *_data(arguments, keywords), duration)

    def _build(self, identity: ModelIdentity, table: Any, target: Any) -> Reference:
        period = self._settings.reference_period
        by_period = {} if period == "none" else {"period": period, "timeless": True}
        return Reference.build(table, target=target, **build_options(identity, self._settings), **by_period)

    @guarded
    def _earlier(self, model: Any) -> Reference | None:
        known = profiled(model)
        return Reference.from_dict(known.table) if known is not None and known.name == FIT else None


def _data(arguments: Sequence[Any], keywords: Mapping[str, Any]) -> tuple[Any, Any]:
    table = arguments[0] if arguments else keywords.get("X")
    return table, arguments[1] if len(arguments) > 1 else keywords.get("y")
