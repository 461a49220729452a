"""Makes any function of ours raise, wherever it is referred to from: its code object is replaced, not the name."""

from __future__ import annotations

import functools
import inspect
import pkgutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any


class Fault(Exception):
    """What a faulty function raises."""


@dataclass
class Site:
    """A function that can be made to raise.

    Attributes:
        name: `module:qualified name`.
        function: the function itself, without the guard around it.
        calls: how often it has been called while `counting` or `faulty`.
    """

    name: str
    function: FunctionType
    calls: int = 0
    lock: Any = field(default_factory=threading.Lock)

    @contextmanager
    def faulty(self, nth: int | None = None) -> Iterator[None]:
        """Let it raise, always, or in its nth call only."""
        with self._replaced(lambda call: nth in (None, call)):
            yield

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count its calls."""
        with self._replaced(lambda _call: False):
            yield

    @contextmanager
    def _replaced(self, raises: Callable[[int], bool]) -> Iterator[None]:
        code = self.function.__code__
        original = FunctionType(code, self.function.__globals__, code.co_name, None, self.function.__closure__)
        original.__defaults__, original.__kwdefaults__ = self.function.__defaults__, self.function.__kwdefaults__

        def strike(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            with self.lock:
                self.calls += 1
                call = self.calls
            if raises(call):
                raise Fault(self.name)
            return original(*args, **kwargs)

        self.calls = 0
        self.function.__code__ = _calling(strike, code)
        try:
            yield
        finally:
            self.function.__code__ = code


_STRIKE = "<strike>"
_MAKER = """
def made():
    {free}None
    def replaced(*args, **kwargs):
        strike = {strike!r}
        {answer} strike(args, kwargs)
        ({uses})
    return replaced
"""


def _calling(strike: Callable[..., Any], code: CodeType) -> CodeType:
    # The function keeps its globals and its closure: what it shall call is put among the constants of the code, which
    # has as many free variables as before.
    free = "".join(f"{name} = " for name in code.co_freevars) or "_ = "
    # Python 3.13 warns about the code of a plain function in a generator.
    answer = "yield from" if code.co_flags & inspect.CO_GENERATOR else "return"
    source = _MAKER.format(free=free, strike=_STRIKE, answer=answer, uses=", ".join(code.co_freevars) or None)
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    made: CodeType = namespace["made"]().__code__
    return made.replace(co_consts=tuple(strike if const == _STRIKE else const for const in made.co_consts))


def sites(*modules: str) -> list[Site]:
    """Every function and method defined in these modules and in the modules below them, guards looked through."""
    found: dict[int, Site] = {}
    for module in dict.fromkeys(each for name in modules for each in _with_submodules(import_module(name))):
        for function in _functions(module):
            site = Site(f"{module.__name__}:{function.__qualname__}", function)
            found.setdefault(id(function), site)
    return sorted(found.values(), key=lambda site: site.name)


def _with_submodules(module: ModuleType) -> Iterator[ModuleType]:
    yield module
    for info in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
        yield import_module(info.name)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    owners = [module, *(value for value in vars(module).values() if inspect.isclass(value))]
    for owner in owners:
        for value in vars(owner).values():
            for function in _unpacked(value):
                # A decorator's shell, such as the guard's, and what dataclasses generate have other files.
                if function.__code__.co_filename == module.__file__:
                    yield function


def _unpacked(value: Any) -> Iterator[FunctionType]:
    if isinstance(value, property):
        candidates = [value.fget, value.fset]
    elif isinstance(value, (staticmethod, classmethod)):
        candidates = [value.__func__]
    else:
        candidates = [value]
    for candidate in candidates:
        if isinstance(candidate, functools.partial):
            candidate = candidate.func
        function = inspect.unwrap(candidate) if callable(candidate) and not inspect.isclass(candidate) else candidate
        if isinstance(function, FunctionType):
            yield function
