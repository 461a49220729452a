"""YAML whose every value knows its line, so that what is wrong with it can be pointed at."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml


class SourceError(ValueError):
    """Something in a file is wrong; the text starts with `file:line:`."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a YAML file and the line it starts at: a mapping, a list or a scalar."""

    value: object
    file: str
    line: int

    def error(self, reason: str) -> SourceError:
        """Return the error that says what is wrong with this value."""
        return SourceError(self.file, self.line, reason)

    def table(self, what: str, known: Iterable[str], required: Iterable[str] = ()) -> Mapping[str, Field]:
        """Return the entries of a mapping that has all required keys and no unknown ones.

        Raises:
            SourceError: it is something else.
        """
        entries = self.entries(what)
        names = list(known)
        for key, entry in entries.items():
            if key not in names:
                raise entry.error(f"{what} has no `{key}`; {_instead(key, names)}")
        for key in required:
            if key not in entries:
                raise self.error(f"{what} needs `{key}`")
        return entries

    def entries(self, what: str) -> Mapping[str, Field]:
        """Return the entries of a mapping with any keys."""
        if not isinstance(self.value, dict):
            raise self.error(f"{what} must be a mapping of names to values")
        return self.value

    def items(self, what: str) -> list[Field]:
        """Return the items of a list that is not empty."""
        if not isinstance(self.value, list) or not self.value:
            raise self.error(f"{what} must be a list with at least one item")
        return self.value

    def text(self, what: str) -> str:
        """Return a text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.error(f"{what} must be a text; put it in quotes if it looks like a number or a date")
        return self.value

    def number(self, what: str) -> float:
        """Return a number."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            raise self.error(f"{what} must be a number, not {self.value!r}")
        return self.value

    def choice(self, what: str, known: Iterable[str]) -> str:
        """Return one of some words."""
        names = list(known)
        if self.value not in names:
            raise self.error(f"{what} {self.value!r} is unknown; {_instead(str(self.value), names)}")
        return str(self.value)


def _instead(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}"


def read_documents(text: str, file: str) -> list[Field]:
    """Return the documents of a YAML text.

    Raises:
        SourceError: it is not YAML, or a key stands twice in one mapping.
    """
    try:
        # The safe loader: tags that would make objects are refused.
        fields = [_field(node, file) for node in yaml.compose_all(text, Loader=yaml.SafeLoader)]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SourceError(file, line, f"not YAML: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        raise SourceError(file, 1, f"not YAML: {error.reason} at position {error.position}") from error
    return [field for field in fields if field.value is not None]


def _field(node: yaml.Node, file: str) -> Field:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        entries: dict[str, Field] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in entries:
                raise SourceError(file, key.start_mark.line + 1, f"`{name}` stands twice")
            entries[name] = Field(_field(value, file).value, file, key.start_mark.line + 1)
        return Field(entries, file, line)
    if isinstance(node, yaml.SequenceNode):
        return Field([_field(item, file) for item in node.value], file, line)
    return Field(yaml.constructor.SafeConstructor().construct_object(node), file, line)
