"""Reads the registry's YAML files; knows where each definition stands, and nothing about its meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

MANIFEST = "model/manifest.yaml"
UPSTREAM = "upstream.yaml"
PLANNED = "planned.yaml"

# Root key of a definition/2 file -> the key that identifies an entry.
IDENTIFIER = {
    "attributes": "key",
    "attribute_groups": "id",
    "entities": "type",
    "events": "name",
    "metrics": "name",
    "spans": "type",
    "span_refinements": "id",
}

SIGNAL_KINDS = ("spans", "metrics", "events", "entities")


class Problem(NamedTuple):
    """One fault of the registry: where it stands, what it is about, and what to do."""

    file: str
    item: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.item}: {self.message}"


@dataclass(frozen=True)
class Item:
    """One entry of a model file, as written."""

    kind: str
    name: str
    file: str
    area: str
    data: dict[str, Any]

    def problem(self, message: str) -> Problem:
        """Return a problem that points at this entry."""
        return Problem(self.file, self.name, message)


@dataclass(frozen=True)
class Sources:
    """Everything the registry folder holds, unresolved."""

    root: Path
    manifest: dict[str, Any]
    upstream: dict[str, Any]
    planned: list[dict[str, Any]]
    items: tuple[Item, ...]
    problems: tuple[Problem, ...]

    def of(self, kind: str) -> Iterator[Item]:
        """Yield the entries of one root key, in file order."""
        return (item for item in self.items if item.kind == kind)


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is written twice in one mapping, which YAML loaders otherwise let pass."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.YAMLError(f"{', '.join(sorted(twice))} is written twice{node.start_mark}")
        return super().construct_mapping(node, deep)


def load(root: Path) -> Sources:
    """Read manifest, pins, planned list and all model files below `root` (the `semconv/` folder)."""
    problems: list[Problem] = []
    items: list[Item] = []
    for path in sorted((root / "model").rglob("*.yaml")):
        file = path.relative_to(root).as_posix()
        if file != MANIFEST:
            items.extend(_items(file, _read(path, file, problems), problems))
    singles = {name: _read(root / name, name, problems) for name in (MANIFEST, UPSTREAM, PLANNED)}
    return Sources(
        root=root,
        manifest=_expect(singles[MANIFEST], dict, MANIFEST, problems),
        upstream=_expect(singles[UPSTREAM], dict, UPSTREAM, problems),
        planned=_expect(singles[PLANNED], list, PLANNED, problems),
        items=tuple(items),
        problems=tuple(problems),
    )


def _read(path: Path, file: str, problems: list[Problem]) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except FileNotFoundError:
        problems.append(Problem(file, "file", "is missing; create it"))
    except yaml.YAMLError as error:
        problems.append(Problem(file, "file", f"is not valid YAML; correct it: {error}"))
    return None


def _expect(value: Any, kind: type[Any], file: str, problems: list[Problem]) -> Any:
    if isinstance(value, kind):
        return value
    if not any(problem.file == file for problem in problems):
        problems.append(Problem(file, "file", f"must hold a {'mapping' if kind is dict else 'list'}"))
    return kind()


def _items(file: str, content: Any, problems: list[Problem]) -> Iterable[Item]:
    if any(problem.file == file for problem in problems):
        return
    if not isinstance(content, dict) or content.get("file_format") != "definition/2":
        problems.append(Problem(file, "file", "must start with `file_format: definition/2`"))
        return
    for kind, entries in content.items():
        if kind == "file_format":
            continue
        if kind not in IDENTIFIER:
            known = ", ".join(IDENTIFIER)
            problems.append(Problem(file, str(kind), f"is not a root key the generator knows; use one of: {known}"))
            continue
        for entry in entries if isinstance(entries, list) else []:
            name = entry.get(IDENTIFIER[kind]) if isinstance(entry, dict) else None
            if isinstance(name, str) and name:
                yield Item(kind, name, file, _area(file), entry)
            else:
                problems.append(Problem(file, kind, f"has an entry without `{IDENTIFIER[kind]}`; add it"))
        if not isinstance(entries, list):
            problems.append(Problem(file, kind, "must be a list"))


def _area(file: str) -> str:
    """Name the documentation page of a file by its folder, `drift` for `model/ml/drift/spans.yaml`."""
    folder = file.split("/")[-2]
    return folder.removeprefix("ml-")
