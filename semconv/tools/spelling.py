"""How a name of the convention is spelled in Python."""

from __future__ import annotations


def constant_name(name: str) -> str:
    """Name the Python constant of a dotted name: `ml.model.name` -> `ML_MODEL_NAME`."""
    return name.replace(".", "_").upper()


def enum_class_name(key: str) -> str:
    """Name the class that holds an enum's values: `ml.drift.state` -> `DriftState`."""
    words = key.removeprefix("ml.").replace(".", "_").split("_")
    return "".join(word.capitalize() for word in words)
