"""Which methods are wrapped, and how every class gets its wrappers, whenever it is defined."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from otelml._guard import guarded
from otelml.instrumentation.sklearn import runtime
from otelml.instrumentation.sklearn.methods import METHODS

_BY_REFERENCE = ("sklearn", "xgboost", "lightgbm")
"""Libraries whose classes are pickled by reference, so that their wrappers never leave the process."""

_applied: dict[tuple[type, str], tuple[Any, Any]] = {}


@guarded
def switch_on(base: ModuleType) -> None:
    """Patch the estimators there are, and those to come.

    Args:
        base: the module `sklearn.base`.
    """
    estimator: type[Any] = base.BaseEstimator
    _hook_subclassing(estimator)
    for cls in _subclasses(estimator):
        _patch_class(cls)


def switch_off() -> None:
    """Restore what is still ours.

    A method that was wrapped again after us, as `set_output` does with `transform`, stays: restoring the saved function
    would destroy the later wrapper. Ours inside it is inert.
    """
    for (cls, name), (original, replacement) in list(_applied.items()):
        if vars(cls).get(name) is not replacement:
            continue
        if original is None:
            type.__delattr__(cls, name)
        else:
            type.__setattr__(cls, name, original)
    _applied.clear()


def _hook_subclassing(estimator: type[Any]) -> None:
    key = (estimator, "__init_subclass__")
    if key in _applied:
        return
    original = vars(estimator).get("__init_subclass__")

    def __init_subclass__(cls: type[Any], /, **kwargs: Any) -> None:
        if original is None:
            super(estimator, cls).__init_subclass__(**kwargs)
        else:
            original.__get__(None, cls)(**kwargs)
        _patch_class(cls)

    replacement: classmethod[Any, Any, None] = classmethod(__init_subclass__)
    type.__setattr__(estimator, "__init_subclass__", replacement)
    _applied[key] = (original, replacement)


def _subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    subclasses: list[type[Any]] = type.__subclasses__(cls)
    for subclass in subclasses:
        yield subclass
        yield from _subclasses(subclass)


@guarded
def _patch_class(cls: type) -> None:
    if not runtime.is_active():
        return
    # Mixins are no estimators, and define `predict`, `score` and `fit_transform`: the class that defines a method is
    # patched.
    for owner in cls.__mro__:
        for name in METHODS.keys() & vars(owner).keys():
            _patch_method(owner, name)


def _patch_method(owner: type, name: str) -> None:
    original = vars(owner)[name]
    known = _applied.get((owner, name))
    if known is not None and known[1] is original:
        return
    replacement: Any
    if isinstance(original, FunctionType):
        replacement = _wrapped(owner, name, original)
    elif type(original).__name__ == "_AvailableIfDescriptor":
        # A new descriptor: the class's own may be shared with classes that are not ours to change.
        replacement = type(original)(_wrapped(owner, name, original.fn), original.check, original.attribute_name)
    else:
        return
    type.__setattr__(owner, name, replacement)
    _applied[(owner, name)] = (original, replacement)


def _wrapped(owner: type, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    if owner.__module__.partition(".")[0] in _BY_REFERENCE:
        return runtime.wrapper(name, function)

    # cloudpickle carries classes of `__main__` by value, with this closure in them: it holds nothing but the original
    # function, and finds the runtime by name, in a process that may not have otelml.
    @functools.wraps(function)
    def method(*args: Any, **kwargs: Any) -> Any:
        active = sys.modules.get("otelml.instrumentation.sklearn.runtime")
        if active is None:
            return function(*args, **kwargs)
        return active.instrumented(name, function)(*args, **kwargs)

    return method
