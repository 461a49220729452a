"""The registry's attribute types, held against decoded OTLP values."""

from __future__ import annotations

ENUM = "enum"
_NAMES = {str: "string", bool: "boolean", int: "int", float: "double", bytes: "bytes", dict: "map", type(None): "empty"}


def type_name(value: object) -> str:
    """The registry's name for the type of a decoded value, such as `int` or `string[]`."""
    if isinstance(value, list):
        inner = {type_name(item) for item in value}
        return f"{inner.pop()}[]" if len(inner) == 1 else "any[]"
    return _NAMES[type(value)]


def is_of_type(value: object, declared: str) -> bool:
    """Whether a value may stand where the registry declares this type.

    An int may stand for a double: OTLP serialisers write whole doubles as ints, and Weaver accepts it for that reason.
    """
    if declared == "any":
        return True
    if declared == ENUM:
        return type_name(value) in ("string", "int")
    if isinstance(value, list):
        return declared.endswith("[]") and all(is_of_type(item, declared.removesuffix("[]")) for item in value)
    return type_name(value) == declared or (type_name(value), declared) == ("int", "double")
