"""The state of all monitors in a file, so that a restart forgets nothing and a report can be made of it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np

from otelml.monitors.live.history import History
from otelml.monitors.live.watch import Watch
from otelml.monitors.reference import Reference
from otelml.observations import Finding, ModelIdentity, ReferenceChange
from otelml.settings import resolve

VERSION: Final = 1

Key = tuple[str, str | None, object]
"""Name, version, and the digest of the reference or else the number of columns."""


def save(path: str | PathLike[str], watches: Mapping[Key, Watch]) -> None:
    """Write the state of models to a file, all of it or nothing.

    Raises:
        OSError: the file cannot be written.
    """
    models = [_stored(watch, key) for key, watch in watches.items()]
    target = Path(path)
    draft = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(json.dumps({"otelml_monitors": VERSION, "models": models}, default=_plain), encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def load(path: str | PathLike[str]) -> dict[Key, Any]:
    """Read what `save` has written.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no state of monitors, or one of a newer release.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} holds no state of monitors: {error}") from error
    version = found.get("otelml_monitors") if isinstance(found, dict) else None
    if not isinstance(version, int) or not isinstance(found.get("models"), list):
        raise ValueError(f"{path} holds no state of monitors; otelml.snapshot() writes one.")
    if version > VERSION:
        raise ValueError(f"{path} is of a newer release (version {version}, this one reads {VERSION}): update otelml.")
    models: dict[Key, Any] = {}
    for model in found["models"]:
        name, given, rest = model["key"]
        models[name, given, rest] = model
    return models


def revive(watch: Watch, stored: Mapping[str, Any]) -> None:
    """Let a watch go on where a stored one has ended.

    Raises:
        ValueError: the state is broken, or of another model.
    """
    try:
        _revive(watch, stored)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the stored state is broken: {error!r}") from error


def revived(stored: Mapping[str, Any]) -> Watch:
    """The watch of a stored state, without the model that it has watched, to be looked at.

    Raises:
        ValueError: the state is broken.
    """
    try:
        options = {name: stored[name] for name in ("drift_windows", "drift_window_steps", "drift_minimum_effect")}
        watch = Watch(ModelIdentity(**stored["model"]), resolve(options, {}), _NOWHERE, 0)
    except (KeyError, TypeError) as error:
        raise ValueError(f"the stored state is broken: {error!r}") from error
    revive(watch, stored)
    return watch


class _Nowhere:
    """Lets findings go."""

    def found(self, model: ModelIdentity, reference: str, finding: Finding) -> None:
        """Take a finding."""

    def reference_changed(self, model: ModelIdentity, change: ReferenceChange) -> None:
        """Take a change."""


_NOWHERE = _Nowhere()


def _length(window: int | timedelta) -> str:
    return f"{window.total_seconds():g}s" if isinstance(window, timedelta) else str(window)


def _stored(watch: Watch, key: Key) -> dict[str, Any]:
    features = watch.features
    return {
        "key": key,
        "model": dataclasses.asdict(watch.model),
        "drift_windows": [_length(window) for window in watch.settings.drift_windows],
        "drift_window_steps": watch.settings.drift_window_steps,
        "drift_minimum_effect": watch.settings.drift_minimum_effect,
        "seen": watch.sampling.seen,
        "offered": watch.sampling.offered,
        "features": None
        if features is None
        else {
            "name": features.name,
            "reference": features.reference.to_dict(),
            "totals": features.totals,
            "drift": features.drift.snapshot(),
            "quality": features.quality.snapshot(),
            "history": watch.history.points,
        },
        "outputs": {
            type_: {"reference": stream.monitor.reference.to_dict(), "drift": stream.monitor.snapshot()}
            for type_, stream in watch.outputs.streams.items()
            if stream.monitor is not None
        },
        "predictions": watch.outputs.summary.snapshot(),
    }


def _revive(watch: Watch, stored: Mapping[str, Any]) -> None:
    kept = stored["features"]
    if kept is not None:
        _revive_features(watch, kept)
    # After the features, whose reference brings one for the labels.
    for type_, output in stored["outputs"].items():
        stream = watch.outputs.streams[type_]
        monitor = stream.watch(Reference.from_dict(output["reference"]))
        monitor.restore(output["drift"])
    watch.outputs.summary.restore(stored["predictions"])
    watch.sampling.seen, watch.sampling.offered = int(stored["seen"]), int(stored["offered"])


def _revive_features(watch: Watch, kept: Mapping[str, Any]) -> None:
    if watch.features is None:
        watch.compare_with(Reference.from_dict(kept["reference"]), kept["name"])
    features = watch.features
    if features is None:
        raise ValueError("the stored reference is not this model's")
    features.restore(kept["totals"])
    features.drift.restore(kept["drift"])
    features.quality.restore(kept["quality"])
    watch.history = History(kept["history"])


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} can not be stored")
