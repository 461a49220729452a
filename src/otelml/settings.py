"""Every setting of otelml: one table, read by all rooms.

Order: argument of `otelml.instrument()`, then the environment variable `OTELML_<NAME>`, then the default. No other
    module reads
`OTELML_*` from the environment, and docs/settings.md is generated from this table.
"""

from __future__ import annotations

import dataclasses
import difflib
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

_logger = logging.getLogger("otelml")

PREFIX = "OTELML_"


def _share(value: object) -> float:
    text = str(value).strip()
    number = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    if not 0 <= number <= 1:
        raise ValueError("a share between 0 and 1, or between 0% and 100%")
    return number


def _flag(value: object) -> bool:
    text = str(value).strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise ValueError("true or false")
    return text in ("true", "1")


def _count(value: object) -> int:
    number = int(str(value).strip())
    if number < 1:
        raise ValueError("a whole number of at least 1")
    return number


def _names(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple, set, frozenset)) or not all(isinstance(part, str) for part in parts):
        raise ValueError("names, separated by commas")
    return tuple(name for name in (part.strip() for part in parts) if name)


_EXPECTED: dict[Callable[[object], Any], str] = {
    _share: "a share such as 3% or 0.03, from 0% to 100%",
    _flag: "true or false",
    _count: "a whole number of at least 1",
    _names: "names, separated by commas",
}


def _setting(default: Any, parse: Callable[[object], Any], sentence: str) -> Any:
    return dataclasses.field(default=default, metadata={"parse": parse, "sentence": sentence})


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force. Build one with `resolve`, which checks values and reads the environment."""

    overhead_budget: float = _setting(
        0.03,
        _share,
        "The share of the time of the instrumented calls that may be spent on recording durations and root spans. "
        "Counts are exact whatever the budget; 100% records every call.",
    )
    sklearn_nested: bool = _setting(
        False,
        _flag,
        "Whether calls inside a call (steps of a pipeline, candidates of a search) get spans of their own "
        "when the outermost call has one.",
    )
    max_classes: int = _setting(
        50, _count, "The number of distinct predicted classes counted per model; further ones are counted as `_OTHER`."
    )
    max_models: int = _setting(
        200,
        _count,
        "The number of distinct models (name and version) on metrics; further ones are reported as `_OTHER`.",
    )
    metric_attributes: tuple[str, ...] = _setting(
        (),
        _names,
        "The keys set with `otelml.attributes()` that go on metrics, too. Allow only keys with few values: "
        "at most 20 are kept for each, further ones are reported as `_OTHER`.",
    )
    exception_messages: bool = _setting(
        True,
        _flag,
        "Whether exception events carry the message and the stack trace. "
        "Messages of ML libraries may quote input values.",
    )


def environment_name(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def expected(field: dataclasses.Field[Any]) -> str:
    """What values a setting takes, in words."""
    return _EXPECTED[field.metadata["parse"]]


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
            values[field.name] = field.metadata["parse"](given)
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
