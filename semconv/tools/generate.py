"""Validates the registry and writes everything that is generated from it.

`python semconv/tools/generate.py` writes; with `--check` nothing is written and the exit code is 1 if a file differs.
With the `weaver` binary on PATH the registry is checked by it too.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from rendering import DOCS, PACKAGE, render
from validate import validate

REPOSITORY = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a generated file differs")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="the repository to read and write")
    options = parser.parse_args(arguments)

    registry, problems = validate(options.root / "semconv")
    if registry is None or problems:
        print("\n".join(str(problem) for problem in problems))
        print(f"{len(problems)} problem(s) in the registry; nothing was written")
        return 1
    files = render(registry, options.root / "semconv" / "templates")
    differing, surplus = _compare(options.root, files)
    if options.check:
        for path in differing:
            print(f"{path}: differs from what the registry says")
        for path in surplus:
            print(f"{path}: is not generated from the registry")
        if differing or surplus:
            print("run `make semconv` and keep what it writes")
    else:
        _write(options.root, files, differing, surplus)
        print(f"{len(files)} generated files, {len(differing)} written, {len(surplus)} removed")
    stale = options.check and bool(differing or surplus)
    return 1 if stale or not _weaver(options.root / "semconv" / "model") else 0


def _compare(root: Path, files: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the generated files that differ from disk, and the files on disk that are not generated."""
    differing = [path for path, text in files.items() if not _same(root / path, text)]
    present = [path for folder in (PACKAGE, DOCS) for path in (root / folder).glob("*") if path.is_file()]
    surplus = [path.relative_to(root).as_posix() for path in present]
    return differing, sorted(path for path in surplus if path not in files)


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _write(root: Path, files: dict[str, str], differing: list[str], surplus: list[str]) -> None:
    for path in differing:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(files[path].encode())
    for path in surplus:
        (root / path).unlink()


def _weaver(model: Path) -> bool:
    """Let Weaver check the registry if it is installed; it downloads the two upstream registries."""
    weaver = shutil.which("weaver")
    if weaver is None:
        print("weaver is not on PATH: its registry check was left out")
        return True
    return subprocess.run([weaver, "registry", "check", "-r", str(model)], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
