"""Pure: fields of what clients are given and return, of which anything may be missing or of another type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otelml.telemetry.content import part
from otelml.telemetry.genai.facts import Field

Parts = list[dict[str, object]]

_SCALARS = (str, bool, int, float)


def get(source: Any, key: str) -> Any:
    """A field of a mapping or of an object; None where it has none."""
    return source.get(key) if isinstance(source, Mapping) else getattr(source, key, None)


def items(value: object) -> Sequence[Any]:
    """The items of a list or a tuple; nothing of a generator, which reading would empty."""
    return value if isinstance(value, (list, tuple)) else ()


def text(value: object) -> str | None:
    """A non-empty string; None for anything else."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """A count, None for anything else that a server may send in its place."""
    return value if type(value) is int and value >= 0 else None


def whole(value: object) -> int | None:
    """A count that a client holds as a float."""
    return count(int(value)) if isinstance(value, float) and value.is_integer() else count(value)


def scalars(source: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Field]:
    """The values of a request that are told as they are.

    Args:
        source: the request, or a part of it.
        fields: the names of `REQUEST_FIELDS` by the request's keys.
    """
    found: dict[str, Field] = {}
    for key, value in source.items():
        field = fields.get(key)
        if field is not None and isinstance(value, _SCALARS):
            found[field] = value
    if found.get("stream") is False:
        del found["stream"]
    return found


def words(value: object) -> tuple[str, ...]:
    """Stop sequences, given as one or several."""
    if isinstance(value, str):
        return (value,)
    found = items(value)
    return tuple(found) if all(isinstance(word, str) for word in found) else ()


def texts(content: object) -> Parts:
    """The parts of a content that is a text, or nothing."""
    return [] if content is None or content == "" else [part("text", content=content)]


def blob(modality: str, data: object, mime_type: object = None) -> dict[str, object]:
    """The part for binary data, given as such or as base64; it is named by size and digest, however short."""
    raw = data.encode() if isinstance(data, str) else data
    return part("blob", modality=modality, mime_type=mime_type, content=raw)


class Fields:
    """A JSON object with its keys as attributes, as the client's own models have them."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        try:
            return fields(self._values[name])
        except KeyError:
            raise AttributeError(name) from None

    def to_dict(self) -> dict[str, Any]:
        """The object itself, for whoever reads content."""
        return self._values


def fields(value: Any) -> Any:
    """JSON data with objects as `Fields`."""
    if isinstance(value, dict):
        return Fields(value)
    return [fields(item) for item in value] if isinstance(value, list) else value
