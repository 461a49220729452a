"""The reference that is kept on a model, and read back from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from otelml.monitors.reference import Reference
from otelml.observations.profile import REFERENCE, profile_of, write_section

FIT: Final = "fit"
DESCRIBE: Final = "describe"


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


def leave_reference(reference: Reference, name: str, *models: object, tell: bool = True) -> None:
    """Leave a reference on models.

    Args:
        reference: the profile of the training data.
        name: where it comes from.
        models: any objects that take attributes.
        tell: whether those that know a model already shall look at it anew.

    Raises:
        TypeError: a model takes no attributes.
    """
    table = reference.to_dict()
    section = {"name": name, "digest": _digest(table), "table": table}
    for model in models:
        write_section(model, REFERENCE, section, tell=tell)


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
