"""The kinds of values that settings take, given as objects or as text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any, NamedTuple


class Values(NamedTuple):
    """What values a setting takes.

    Attributes:
        parse: makes a value of an object or a text; raises ValueError or TypeError.
        expected: the values in words.
    """

    parse: Callable[[object], Any]
    expected: str


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _share(value: object) -> float:
    text = str(value).strip()
    number = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    if not 0 <= number <= 1:
        raise ValueError
    return number


def _flag(value: object) -> bool:
    text = str(value).strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise ValueError
    return text in ("true", "1")


def _count(value: object) -> int:
    number = int(str(value).strip())
    if number < 1:
        raise ValueError
    return number


def _windows(value: object) -> tuple[int | timedelta, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not parts:
        raise ValueError
    return tuple(_window(part) for part in parts)


def _window(value: object) -> int | timedelta:
    if isinstance(value, timedelta):
        length = value
    else:
        text = str(value).strip().lower()
        if text[-1:] not in _UNITS:
            return _count(text)
        length = timedelta(**{_UNITS[text[-1]]: float(text[:-1])})
    if length <= timedelta():
        raise ValueError
    return length


def _number(value: object) -> float:
    number = float(str(value).strip())
    if not 0 <= number < float("inf"):
        raise ValueError
    return number


def _names(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple, set, frozenset)) or not all(isinstance(part, str) for part in parts):
        raise ValueError
    return tuple(name for name in (part.strip() for part in parts) if name)


def _path(value: object) -> str:
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value).strip():
        raise ValueError
    return str(os.fspath(value)).strip()


def _patterns(value: object) -> tuple[str, ...]:
    parts = value.splitlines() if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise ValueError
    patterns = tuple(part for part in parts if part.strip())
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError from error
    return patterns


def _functions(value: object) -> tuple[Callable[..., Any], ...]:
    parts = value.split(",") if isinstance(value, str) else value
    found = [_function(part) for part in (parts if isinstance(parts, (list, tuple)) else [parts])]
    return tuple(found)


def _function(value: object) -> Callable[..., Any]:
    if isinstance(value, str):
        module, _, name = value.strip().partition(":")
        try:
            value = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ValueError from error
    if not callable(value):
        raise ValueError
    return value


SHARE = Values(_share, "a share such as 3% or 0.03, from 0% to 100%")
FLAG = Values(_flag, "true or false")
COUNT = Values(_count, "a whole number of at least 1")
WINDOWS = Values(_windows, "numbers of rows, or times such as 30m, 1h or 7d, separated by commas")
NUMBER = Values(_number, "a number of at least 0")
PATH = Values(_path, "the path of a file")
PATTERNS = Values(_patterns, "regular expressions, one a line")
FUNCTIONS = Values(_functions, "functions, or their names as module:function, separated by commas")
NAMES = Values(_names, "names, separated by commas")


def choice(*allowed: str) -> Values:
    """One of a few words."""

    def parse(value: object) -> str:
        text = str(value).strip().lower()
        if text not in allowed:
            raise ValueError
        return text

    return Values(parse, "one of " + ", ".join(allowed))
