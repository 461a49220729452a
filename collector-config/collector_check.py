"""Refuse a combination of Collector configs that would not work, with file, line and reason.

    cd collector-config && python collector_check.py collector/gateway.yaml collector/exporters/mimir.yaml

The files are those that the Collector is to be started with, in their order. Checked are YAML, variables that have no
default and are not set, and what the Collector's own `validate` says: with contrib (`--collector`, or `otelcol-contrib`
on the PATH) of everything; with the `otelcol-check` that `make collector` builds, of everything but the deeper keys of
contrib's components.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

CACHE = Path(
    os.environ.get("OTELML_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otelml"
)
"""Where `make collector` and `make backends` put what they build and install."""

BUILT = CACHE / "collector"
"""The folder of the Collector that `make collector` builds."""

_VARIABLE = re.compile(r"\$\{env:(\w+)(:-[^}]*)?\}")
_COMMENT = re.compile(r"(^|\s)#.*")
_SECTION = re.compile(r"'(\w+)' (?:error reading configuration for|unknown type: \"[^\"]*\" for id:) \"([^\"]+)\"")
_UNKNOWN_KEYS = re.compile(r"has invalid keys: (.+)")
_PATH = re.compile(r"^([a-z]+(?:::[^:\s]+(?:/[^:\s]+)?)+): (.+)")
_VALUE = re.compile(r"^'([\w.]+)\[([^\]]+)\]' (.+)")
_NOT_MADE = re.compile(r"failed to create \"([^\"]+)\" (\w+) .*?: (.+)")
_QUOTED = re.compile(r"\"([^\"]+)\"")
_LOGGED_AGAIN = re.compile(r"^\d{4}/\d{2}/\d{2} ")
_SIGNALS = ("traces", "metrics", "logs")

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where."""

    file: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True)
class _Place:
    keys: Keys
    file: Path
    line: int


class Combination:
    """Config files as the Collector merges them: later ones win, key by key.

    Attributes:
        problems: what is wrong with the files as YAML.
        merged: the config that the Collector sees, with its variables as they stand.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        """Read the files.

        Raises:
            OSError: a file can't be read.
        """
        self.files = list(files)
        self.problems: list[Problem] = []
        self.merged: dict[str, object] = {}
        self._places: list[_Place] = []
        for file in self.files:
            self._read(file)

    def _read(self, file: Path) -> None:
        text = file.read_text()
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
            content = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.problems.append(Problem(file, mark.line + 1 if mark else 1, f"not YAML: {error.problem}"))
            return
        if not isinstance(root, yaml.MappingNode):
            self.problems.append(Problem(file, 1, "no Collector config: expected keys such as exporters and service"))
            return
        self._index(root, (), file)
        _merge(self.merged, content)

    def _index(self, node: yaml.Node, keys: Keys, file: Path) -> None:
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    self.problems.append(Problem(file, key.start_mark.line + 1, f"{key.value!r} is there twice"))
                seen.add(key.value)
                self._places.append(_Place((*keys, key.value), file, key.start_mark.line + 1))
                self._index(value, (*keys, key.value), file)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._index(item, keys, file)
        elif isinstance(node, yaml.ScalarNode):
            self._places.append(_Place((*keys, str(node.value)), file, node.start_mark.line + 1))

    def at(self, keys: Sequence[str], reason: str) -> Problem:
        """A problem at the last place that ends with these keys in this order; nearer to the root if there is none."""
        for place in reversed(self._places):
            rest = iter(place.keys)
            if place.keys[-1] == keys[-1] and place.keys[0] == keys[0] and all(key in rest for key in keys):
                return Problem(place.file, place.line, reason)
        return self.at(keys[:-1], reason) if len(keys) > 1 else Problem(self.files[0], 1, reason)

    def variables(self) -> Iterator[tuple[str, str | None, Path, int]]:
        """Each variable that the files read: its name, its default, and where."""
        for file in self.files:
            for number, line in enumerate(file.read_text().splitlines(), 1):
                for name, default in _VARIABLE.findall(_COMMENT.sub("", line)):
                    yield name, default.removeprefix(":-") if default else None, file, number

    def backends(self, signal: str) -> list[str]:
        """The exporters of a signal, less those that throw it away."""
        service = self.merged.get("service")
        pipelines = service.get("pipelines", {}) if isinstance(service, dict) else {}
        names = [
            exporter
            for name, pipeline in pipelines.items()
            if name.split("/")[0] == signal and isinstance(pipeline, dict)
            for exporter in pipeline.get("exporters") or []
        ]
        connectors = self.merged.get("connectors")
        inner = set(connectors) if isinstance(connectors, dict) else set()
        return [name for name in names if name.split("/")[0] != "nop" and name not in inner]


def _merge(into: dict[str, object], other: dict[str, object]) -> None:
    for key, value in other.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value)
        else:
            into[key] = value


def find_collector() -> Path | None:
    """The Collector to ask: contrib on the PATH, or else the one that `make collector` has built."""
    if contrib := shutil.which("otelcol-contrib"):
        return Path(contrib)
    built = BUILT / "otelcol-check"
    return built if built.exists() else None


def check(files: Sequence[Path], collector: Path) -> list[Problem]:
    """Return what is wrong with a combination of files, an empty list if nothing is.

    Raises:
        OSError: a file can't be read, or the Collector can't be run.
    """
    combination = Combination(files)
    if combination.problems:
        return combination.problems
    unset = {}
    problems = []
    for name, default, file, line in combination.variables():
        if default is None and not os.environ.get(name):
            unset[name] = "http://unset:1" if name.endswith("URL") else "unset:1"
            problems.append(Problem(file, line, f"{name} is not set{_meaning(file, name)}"))
    command = [str(collector), "validate", *(f"--config={file}" for file in files)]
    done = subprocess.run(command, env={**os.environ, **unset}, capture_output=True, text=True, check=False)
    if done.returncode:
        problems += _located(combination, done.stderr)
    return problems


def _meaning(file: Path, name: str) -> str:
    found = re.search(rf"^# +{name} +(\S.*)$", file.read_text(), re.MULTILINE)
    return f": {found[1]}" if found else ""


def _located(combination: Combination, output: str) -> list[Problem]:
    problems = []
    section: Keys = ()
    for text in _messages(output):
        if found := _SECTION.search(text):
            section = found.groups()
            if "unknown type" in text:
                problems.append(combination.at(section, text.split("' ", 1)[1]))
        if found := _UNKNOWN_KEYS.search(text):
            for key in found[1].split(", "):
                problems.append(combination.at((*section, key), f"{'/'.join(section[1:])} has no key {key!r}"))
        else:
            problems += _of_place(combination, text)
    return problems or [Problem(combination.files[0], 1, " ".join(_messages(output)))]


def _messages(output: str) -> Iterator[str]:
    for line in output.splitlines():
        if _LOGGED_AGAIN.match(line):
            return  # the same once more, from the logger
        if text := line.removeprefix("Error: ").strip():
            yield text


def _of_place(combination: Combination, text: str) -> Iterator[Problem]:
    if found := _NOT_MADE.search(text):
        yield combination.at([f"{found[2]}s", found[1]], found[3])
    elif found := _VALUE.match(text):
        yield combination.at([*found[1].split("."), found[2]], found[3])
    elif found := _PATH.match(text):
        named = _QUOTED.search(found[2])
        keys = found[1].split("::")
        yield combination.at([*keys, named[1]] if named else keys, found[2])


def main() -> int:
    """Check the files of the command line; 0 if they would work, 1 if not, 2 if they can't be checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--collector", type=Path, default=find_collector(), help="the Collector to ask")
    arguments = parser.parse_args()
    if arguments.collector is None:
        print("No Collector to ask: put otelcol-contrib on the PATH, or run `make collector`.", file=sys.stderr)
        return 2
    try:
        problems = check(arguments.files, arguments.collector)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    combination = Combination(arguments.files)
    for signal in _SIGNALS:
        print(f"{signal:8}-> {', '.join(combination.backends(signal)) or 'nowhere: no file names a backend for it'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
