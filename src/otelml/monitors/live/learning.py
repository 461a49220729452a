"""The profile that training leaves on a model, and what is read back from it."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from otelml._guard import guarded
from otelml.monitors.live import chunks
from otelml.monitors.live.watch import build_options
from otelml.monitors.reference import Reference
from otelml.observations import ModelIdentity
from otelml.observations.profile import REFERENCE, profile_of, write_section
from otelml.settings import Settings

FIT: Final = "fit"
DESCRIBE: Final = "describe"

_FEWEST_ROWS = 1_000
"""Rows of `partial_fit` that are kept as they are until the edges of the bins are settled."""


class Profiled(NamedTuple):
    """A reference as it is kept on a model.

    Attributes:
        name: where it comes from.
        digest: the same for two models with the same reference.
        table: the reference as a plain dict.
    """

    name: str
    digest: str
    table: Mapping[str, Any]


def profiled(model: object) -> Profiled | None:
    """The reference that is kept on a model; None where there is none, or something else in its place."""
    profile = profile_of(model)
    section = profile.get(REFERENCE) if profile else None
    if not isinstance(section, dict):
        return None
    name, digest, table = section.get("name"), section.get("digest"), section.get("table")
    if isinstance(name, str) and isinstance(digest, str) and isinstance(table, dict):
        return Profiled(name, digest, table)
    return None


def leave_reference(model: object, reference: Reference, name: str, *, tell: bool = True) -> None:
    """Leave a reference on a model.

    Args:
        model: any object that takes attributes.
        reference: the profile of the training data.
        name: where it comes from.
        tell: whether those that know the model already shall look at it anew.

    Raises:
        TypeError: the model takes no attributes.
    """
    table = reference.to_dict()
    write_section(model, REFERENCE, {"name": name, "digest": _digest(table), "table": table}, tell=tell)


class Learning:
    """Profiles the data of every outermost fit, and adds those of `partial_fit` up."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._partial: weakref.WeakKeyDictionary[Any, _Partial] = weakref.WeakKeyDictionary()

    def learned(
        self, model: Any, identity: ModelIdentity, method: str, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> None:
        """Leave a profile of what a model has been fitted with.

        Args:
            model: the fitted model.
            identity: who it is.
            method: the method that was called; `partial_fit` adds to what was left before.
            arguments: the positional arguments, without the model.
            keywords: the keyword arguments.
        """
        table = arguments[0] if arguments else keywords.get("X")
        target = arguments[1] if len(arguments) > 1 else keywords.get("y")
        if not chunks.row_count(table):
            return
        if method == "partial_fit":
            reference = self._add(model, identity, table, target)
        else:
            reference = self._build(identity, table, target)
        # scikit-learn's searches: the model that is taken out of one and served has seen the same data.
        best = vars(model).get("best_estimator_") if hasattr(model, "__dict__") else None
        for each in (model, best):
            if each is not None:
                leave_reference(each, reference, FIT, tell=method != "partial_fit")

    def _build(self, identity: ModelIdentity, table: Any, target: Any) -> Reference:
        period = self._settings.reference_period
        by_period = {} if period == "none" else {"period": period, "timeless": True}
        return Reference.build(table, target=target, **build_options(identity, self._settings), **by_period)

    def _add(self, model: Any, identity: ModelIdentity, table: Any, target: Any) -> Reference:
        partial = self._partial.get(model)
        if partial is None:
            partial = self._partial[model] = _Partial(self._earlier(model))
        if partial.reference is not None:
            partial.reference = partial.reference.extended(table, target)
            return partial.reference
        rows = chunks.row_count(table) or 0
        partial.tables.append(chunks.taken(table, 0, 1, rows))
        partial.targets.append(np.array(target) if target is not None else None)
        partial.rows += rows
        joined = chunks.joined(partial.tables)
        targets = None if any(each is None for each in partial.targets) else np.concatenate(partial.targets)
        reference = self._build(identity, joined, targets)
        if partial.rows >= _FEWEST_ROWS:
            partial.settle(reference)
        return reference

    @guarded
    def _earlier(self, model: Any) -> Reference | None:
        known = profiled(model)
        return Reference.from_dict(known.table) if known is not None and known.name == FIT else None


class _Partial:
    """What the calls of `partial_fit` of one model have been given so far."""

    def __init__(self, reference: Reference | None) -> None:
        self.reference = reference
        self.tables: list[Any] = []
        self.targets: list[Any] = []
        self.rows = 0

    def settle(self, reference: Reference) -> None:
        """From now on the bins stay as they are, and their counts grow."""
        self.reference = reference
        self.tables.clear()
        self.targets.clear()


def _digest(table: Mapping[str, Any]) -> str:
    found = hashlib.blake2b(digest_size=8)
    _feed(found, table)
    return found.hexdigest()


def _feed(found: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        for key in sorted(value):
            found.update(key.encode())
            _feed(found, value[key])
    elif isinstance(value, (list, tuple)):
        for each in value:
            _feed(found, each)
    elif isinstance(value, np.ndarray):
        found.update(value.tobytes())
    else:
        found.update(repr(value).encode())
