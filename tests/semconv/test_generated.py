"""What is generated is what the registry says, and generating is a command that says what it does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from generate import main

from tests.semconv.registry_copies import REPOSITORY, copy_registry, replace_once


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of everything the generator reads and writes."""
    copy_registry(tmp_path)
    for folder in ("src/otelml/semconv", "semconv/docs"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def no_weaver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep an installed Weaver, which fetches the upstream registries, out of the test."""
    monkeypatch.setenv("PATH", "")


@pytest.mark.usefixtures("no_weaver")
def test_regenerating_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The committed files are those that the registry gives."""
    assert main(["--check"]) == 0, capsys.readouterr().out
    assert "weaver is not on PATH" in capsys.readouterr().out


@pytest.mark.usefixtures("no_weaver")
def test_check_lists_what_differs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A check fails and names edited, missing and surplus files; writing puts all of them right."""
    replace_once(repository / "src/otelml/semconv/events.py", "13)", "17)")
    (repository / "semconv/docs/drift.md").unlink()
    (repository / "semconv/docs/old.md").write_text("left over", encoding="utf-8")
    check = ["--check", "--root", str(repository)]

    assert main(check) == 1
    report = capsys.readouterr().out
    assert "src/otelml/semconv/events.py: differs" in report
    assert "semconv/docs/drift.md: differs" in report
    assert "semconv/docs/old.md: is not generated" in report
    assert not (repository / "semconv/docs/drift.md").exists()

    assert main(["--root", str(repository)]) == 0
    assert main(check) == 0


@pytest.mark.usefixtures("no_weaver")
def test_nothing_is_written_from_a_faulty_registry(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault stops the generator before it writes, even where other changes are sound."""
    replace_once(repository / "semconv/model/ml/inference/metrics.yaml", "unit: s", "unit: ms")
    before = (repository / "src/otelml/semconv/metrics.py").read_bytes()

    assert main(["--root", str(repository)]) == 1

    assert "unit 'ms'" in capsys.readouterr().out
    assert (repository / "src/otelml/semconv/metrics.py").read_bytes() == before


@pytest.mark.usefixtures("no_weaver")
def test_change_of_registry_reaches_package_and_docs(repository: Path) -> None:
    """An edited unit shows in the Python constant, in the resolved registry and on the page."""
    replace_once(repository / "semconv/model/ml/inference/metrics.yaml", "'{call}'", "'{invocation}'")

    assert main(["--root", str(repository)]) == 0

    for file in ("src/otelml/semconv/metrics.py", "src/otelml/semconv/resolved.json", "semconv/docs/inference.md"):
        assert "{invocation}" in (repository / file).read_text(encoding="utf-8"), file


@pytest.mark.parametrize("verdict", [0, 1])
def test_weaver_decides_too_where_installed(
    verdict: int, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a `weaver` on PATH its verdict counts, and it is asked about this registry."""
    tools = tmp_path / "bin"
    tools.mkdir()
    weaver = tools / "weaver"
    weaver.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nexit {verdict}\n', encoding="utf-8")
    weaver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))

    assert main(["--check", "--root", str(repository)]) == verdict

    asked = (tmp_path / "asked").read_text(encoding="utf-8").split()
    assert asked == ["registry", "check", "-r", str(repository / "semconv/model")]


def test_generated_files_say_so() -> None:
    """Every generated file tells a reader not to edit it, near its top."""
    files = [
        path
        for folder in ("src/otelml/semconv", "semconv/docs")
        for path in (REPOSITORY / folder).iterdir()
        if path.is_file()
    ]

    assert len(files) > 20
    for path in files:
        assert "do not edit" in "".join(path.read_text(encoding="utf-8").splitlines()[:2]), path


def test_links_between_pages_lead_somewhere() -> None:
    """Every link of the documentation pages names a page and a heading that exist."""
    pages = {path.name: path.read_text(encoding="utf-8") for path in (REPOSITORY / "semconv/docs").glob("*.md")}
    anchors = {name: _anchors(text) for name, text in pages.items()}
    links = [(name, target) for name, text in pages.items() for target in _targets(text)]

    assert len(links) > 100
    for name, target in links:
        page, _, anchor = target.partition("#")
        assert (page or name) in pages, (name, target)
        assert not anchor or anchor in anchors[page or name], (name, target)


def _targets(text: str) -> list[str]:
    return [part.split(")")[0] for part in text.split("](")[1:]]


def _anchors(text: str) -> set[str]:
    """Spell headings as GitHub does: lower case, punctuation dropped, spaces to hyphens."""
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    explicit = [part.split('"')[0] for part in text.split('<a id="')[1:]]
    spelt = ["".join(c for c in h.lower() if c.isalnum() or c in " _-").replace(" ", "-") for h in headings]
    return {*explicit, *spelt}
