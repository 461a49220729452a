"""The profile that otelml leaves on a model: a plain dict, one section a topic, of built-in types only.

It travels with pickle, joblib, skops and deepcopy, is dropped by scikit-learn's `clone`, and unpickles where otelml is
absent.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from otelml.observations.model import MAX_NAME_LENGTH, PROFILE_ATTRIBUTE

_VERSION = 1
_IDENTITY = "model"
REFERENCE = "reference"
"""The section of the profile that holds what live inputs are compared with."""

_TEXTS = ("name", "version", "id", "task")


_listeners: list[weakref.WeakMethod[Callable[[object], None]]] = []


def on_change(listener: Callable[[object], None]) -> None:
    """Have a bound method called with every model whose profile is replaced, as long as the method's object lives."""
    _listeners[:] = [known for known in _listeners if known() is not None]
    _listeners.append(weakref.WeakMethod(listener))


def profile_of(model: object) -> dict[str, Any] | None:
    """The profile on a model; None where there is none, or something else under its name."""
    attributes = getattr(model, "__dict__", None)
    if not isinstance(attributes, dict):
        return None
    profile = attributes.get(PROFILE_ATTRIBUTE)
    if profile is None and (inner := _compiled_module(attributes)) is not None:
        return profile_of(inner)
    return profile if isinstance(profile, dict) else None


def _compiled_module(attributes: Mapping[str, Any]) -> object:
    """The module inside what `torch.compile` returns, which passes attributes that are set on it on (2.4 to 2.13)."""
    modules = attributes.get("_modules")
    return modules.get("_orig_mod") if isinstance(modules, dict) else None


def has_reference(model: object) -> bool:
    """Whether a reference for the model's inputs is kept on it."""
    profile = profile_of(model)
    return profile is not None and REFERENCE in profile


def identity_in(profile: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a profile says of the model's identity; whatever has the wrong type, or is too long, is left out."""
    identity = profile.get(_IDENTITY) if profile else None
    if not isinstance(identity, dict):
        return {}
    known: dict[str, Any] = {
        key: identity[key]
        for key in _TEXTS
        if isinstance(identity.get(key), str) and 0 < len(identity[key]) <= MAX_NAME_LENGTH
    }
    features = identity.get("feature_names")
    if isinstance(features, (list, tuple)) and all(isinstance(feature, str) for feature in features):
        known["feature_names"] = tuple(features)
    return known


def write_identity(model: object, identity: Mapping[str, Any]) -> None:
    """Leave identity on a model, over what was there; the profile is replaced, never changed in place.

    Args:
        model: any object that takes attributes.
        identity: values by key, as `identity_in` returns them; None keeps what was said before.

    Raises:
        TypeError: the model takes no attributes.
    """
    given = {key: value for key, value in identity.items() if value is not None}
    section = {**identity_in(profile_of(model)), **given}
    if "feature_names" in section:
        section["feature_names"] = list(section["feature_names"])
    write_section(model, _IDENTITY, section)


def write_section(model: object, name: str, section: Mapping[str, Any], *, tell: bool = True) -> None:
    """Leave one section of the profile on a model; the profile is replaced, never changed in place.

    Args:
        model: any object that takes attributes.
        name: of the section.
        section: built-in types and numpy arrays.
        tell: whether to call those back that asked for changes.

    Raises:
        TypeError: the model takes no attributes.
    """
    profile = {**(profile_of(model) or {"version": _VERSION}), name: section}
    try:
        setattr(model, PROFILE_ATTRIBUTE, profile)
    except Exception as error:
        raise TypeError(
            f"{type(model).__qualname__} takes no attributes, so nothing can be kept about it. "
            "Describe the estimator inside it, or wrap it in a class of yours."
        ) from error
    for known in list(_listeners) if tell else ():
        listener = known()
        if listener is not None:
            listener(model)
