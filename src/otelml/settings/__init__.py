"""Every setting of otelml: one table, read by all rooms.

Order: argument of `otelml.instrument()`, then the environment variable `OTELML_<NAME>`, then the default. No other
module reads `OTELML_*` from the environment, and docs/settings.md is generated from the table.
"""

from __future__ import annotations

import dataclasses
import difflib
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from otelml.settings.table import Settings
from otelml.settings.values import Values

__all__ = ["PREFIX", "Settings", "current", "environment_name", "expected", "resolve", "use"]

_logger = logging.getLogger("otelml")

PREFIX = "OTELML_"


def environment_name(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def expected(field: dataclasses.Field[Any]) -> str:
    """What values a setting takes, in words."""
    values: Values = field.metadata["values"]
    return values.expected


def resolve(
    arguments: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    on_error: Callable[[str], None] | None = None,
) -> Settings:
    """Settle every setting: argument, else environment, else default.

    Args:
        arguments: values by setting name.
        environ: the environment to read.
        on_error: called with the message about each wrong value, whose default is then used. Without it, the first one
            raises.

    Raises:
        ValueError: a wrong value or an unknown name, saying which and what would be right.
    """
    values: dict[str, Any] = {}
    for field, given, source in _given(arguments or {}, environ, on_error):
        try:
            values[field.name] = field.metadata["values"].parse(given)
        except (ValueError, TypeError):
            _complain(f"{source}={given!r} is not valid: expected {expected(field)}.", on_error)
    return Settings(**values)


def _given(
    arguments: Mapping[str, object], environ: Mapping[str, str], on_error: Callable[[str], None] | None
) -> list[tuple[dataclasses.Field[Any], object, str]]:
    fields = {field.name: field for field in dataclasses.fields(Settings)}
    for name in arguments:
        if name not in fields:
            _complain(f"There is no setting {name!r}.{_did_you_mean(name, list(fields))}", on_error)
    variables = {environment_name(name): name for name in fields}
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in variables:
            _logger.warning("There is no setting %s.%s", variable, _did_you_mean(variable, list(variables)))
    given: list[tuple[dataclasses.Field[Any], object, str]] = []
    for name, field in fields.items():
        variable = environment_name(name)
        if arguments.get(name) is not None:
            given.append((field, arguments[name], name))
        elif environ.get(variable, "").strip():
            given.append((field, environ[variable], variable))
    return given


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f" Did you mean {close[0]}?" if close else f" There are: {', '.join(sorted(known))}."


def _complain(message: str, on_error: Callable[[str], None] | None) -> None:
    if on_error is None:
        raise ValueError(message)
    on_error(message)


_current: Settings | None = None


def current() -> Settings:
    """The settings in force; from the environment where nothing was set up, wrong values being logged."""
    global _current
    if _current is None:
        _current = resolve(on_error=lambda message: _logger.error("%s The default is used.", message))
    return _current


def use(settings: Settings) -> None:
    """Make these the settings in force."""
    global _current
    _current = settings
