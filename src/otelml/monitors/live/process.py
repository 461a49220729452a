"""The monitors of all models of a process."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from otelml._forks import call_in_children
from otelml._guard import guarded
from otelml.monitors.live import storage
from otelml.monitors.live.intake import RowIntake
from otelml.monitors.live.labels import LabelIntake
from otelml.monitors.live.learning import Learning
from otelml.monitors.live.outputs import LABELS, PROBABILITIES, SCORES, VALUES
from otelml.monitors.live.partial import PartialIntake
from otelml.monitors.live.profiled import FIT, Profiled, profiled
from otelml.monitors.live.states import state_of
from otelml.monitors.live.watch import Watch
from otelml.monitors.reference import Reference
from otelml.observations import FindingSink, Intake, ModelIdentity, ModelState, ReferenceChange
from otelml.semconv.attributes import DriftReferenceState, ModelTask
from otelml.settings import Settings

_OUTPUTS = {
    "predict": VALUES,
    "predict_proba": PROBABILITIES,
    "decision_function": SCORES,
    "score_samples": SCORES,
    "forward": VALUES,  # of PyTorch, whose hook hands the inputs on alone
}
_LABELLING = {ModelTask.CLASSIFICATION, ModelTask.CLUSTERING, ModelTask.ANOMALY_DETECTION}


class LiveMonitors:
    """Watches the models of a process. `ModelMonitors` for the hooks, and `MeasurementSource` for the metrics.

    A model is watched by name, version and reference: copies of it in one process are one model. The models that were
    called longest ago are forgotten when there are too many.
    """

    def __init__(self, settings: Settings, sink: FindingSink) -> None:
        """Watch nothing yet.

        Args:
            settings: the settings in force.
            sink: takes what the monitors say.
        """
        self._settings = settings
        self._sink = sink
        self._learning = Learning(settings)
        self._watches: OrderedDict[storage.Key, Watch] = OrderedDict()
        self._stored: dict[storage.Key, Any] = {}
        self._served: weakref.WeakKeyDictionary[Any, LabelIntake] = weakref.WeakKeyDictionary()
        self._lock = threading.RLock()  # a signal handler may call a model while its thread looks one up
        call_in_children(self._reset_in_child)

    def configure(self, settings: Settings) -> None:
        """Put settings in force, for models that are seen from now on."""
        self._settings = settings
        self._learning = Learning(settings)

    @guarded
    def intake(self, model: object, identity: ModelIdentity, method: str) -> Intake | None:
        """What takes the calls of a model's method; None for those that neither predict nor take labels."""
        if not self._settings.monitors:
            return None
        if method == "partial_fit":
            return PartialIntake(partial(self._learned_part, identity))
        if method == "score":
            return LabelIntake(lambda scored: self._watch(scored, identity))
        kind = _OUTPUTS.get(method)
        if kind is None:
            return None
        if kind == VALUES and identity.task in _LABELLING:
            kind = LABELS
        watch = self._watch(model, identity)
        if getattr(type(model), "__hash__", None) is not None and hasattr(model, "__weakref__"):
            self._served[model] = LabelIntake(lambda _model: watch)
        return RowIntake(watch, method, kind)

    def learned(
        self, model: object, identity: ModelIdentity, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> None:
        """Leave a profile of the training data on a model that has been fitted."""
        self._learn(identity, lambda learning: learning.learned(model, identity, arguments, keywords))

    @guarded
    def _learned_part(
        self, identity: ModelIdentity, arguments: Sequence[Any], keywords: Mapping[str, Any], duration: int
    ) -> None:
        """Add to that; the labels of a model that is served already are compared with those of its training."""
        model, *rest = arguments
        labels = self._served.get(model)
        if labels is not None:
            labels(arguments, keywords, None, duration)
        self._learn(identity, lambda learning: learning.learned_part(model, identity, rest, keywords, duration))

    @guarded
    def _learn(self, identity: ModelIdentity, learn: Callable[[Learning], None]) -> None:
        if not (self._settings.monitors and self._settings.reference_at_fit):
            return
        try:
            with np.errstate(all="ignore"):  # the host may have NumPy raise in this thread
                learn(self._learning)
        except (TypeError, ValueError) as error:  # data that is no table, or a model that takes no attributes
            self._sink.reference_changed(identity, ReferenceChange(FIT, DriftReferenceState.REFUSED, str(error)))

    def model_states(self) -> list[ModelState]:
        """The state of every model that is watched, all rows that have come counted."""
        with self._lock:
            watches = list(self._watches.values())
        states = []
        for watch in watches:
            watch.settle()
            state = state_of(watch, self._settings.metric_features)
            watch.remember(state.drift)
            states.append(state)
        return states

    def save(self, path: str | PathLike[str]) -> None:
        """Write the state of all models to a file; see `otelml.snapshot`."""
        self.model_states()
        with self._lock:
            storage.save(path, self._watches)

    def load(self, path: str | PathLike[str]) -> None:
        """Go on from the state in a file; see `otelml.restore`."""
        models = storage.load(path)
        with self._lock:
            self._stored = models
            for key, watch in self._watches.items():
                self._revive(key, watch)

    def _revive(self, key: storage.Key, watch: Watch) -> None:
        stored = self._stored.pop(key, None)
        if stored is None:
            return
        try:
            storage.revive(watch, stored)
        except ValueError as error:
            watch.reset()
            self._sink.reference_changed(
                watch.model, ReferenceChange("snapshot", DriftReferenceState.REFUSED, str(error))
            )

    def _watch(self, model: object, identity: ModelIdentity) -> Watch:
        known = profiled(model)
        width = getattr(model, "n_features_in_", None)
        key = (identity.name, identity.version, known.digest if known else width)
        with self._lock:
            watch = self._watches.get(key)
            if watch is None:
                watch = Watch(identity, self._settings, self._sink, width if isinstance(width, int) else 0)
                self._refer(watch, known)
                self._revive(key, watch)
                self._watches[key] = watch
                if len(self._watches) > self._settings.max_models:
                    self._watches.popitem(last=False)
            self._watches.move_to_end(key)
        return watch

    def _refer(self, watch: Watch, known: Profiled | None) -> None:
        if known is None:
            return
        try:
            reference = Reference.from_dict(known.table)
        except ValueError as error:
            change = ReferenceChange(known.name, DriftReferenceState.REFUSED, str(error))
            self._sink.reference_changed(watch.model, change)
            return
        watch.compare_with(_named(reference, watch.model.feature_names), known.name)

    @guarded
    def _reset_in_child(self) -> None:
        self._lock = threading.RLock()
        for watch in self._watches.values():
            watch.reset()


def _named(reference: Reference, names: tuple[str, ...] | None) -> Reference:
    # Names that were given after training; the columns are still known by their position.
    if names is None or reference.named or len(names) != reference.columns:
        return reference
    features = tuple(feature._replace(name=names[feature.column]) for feature in reference.features)
    return replace(reference, features=features)
