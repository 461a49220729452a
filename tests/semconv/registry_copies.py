"""Copies of the registry that a test may spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def copy_registry(target: Path) -> Path:
    """Copy the `semconv/` folder, without its tools, below `target` and return the copy."""
    copy = target / "semconv"
    shutil.copytree(REPOSITORY / "semconv", copy, ignore=shutil.ignore_patterns("tools", "docs", "__pycache__"))
    return copy


def replace_once(file: Path, old: str, new: str) -> None:
    """Replace the first occurrence of `old`; a test whose text is gone from the registry must not pass silently."""
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file} no longer contains {old!r}: adapt the test"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
