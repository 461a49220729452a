"""Gets the real backends that the tests send to: `make backends`; names as arguments get those only.

Each goes into a folder of its own below the user's cache (OTELML_CACHE), is got once, and is left out where it can't be
had, with the reason kept for the tests to show. About 2.2 GB in all, most of it Phoenix and MLflow.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from collector_check import BUILT, CACHE

BACKENDS = CACHE / "backends"
_BUILD = Path(__file__).parents[2] / "collector-config" / "build"
_SHOWN_LINES = 5


class Unavailable(Exception):
    """A program can't be had here; the message says why."""


@dataclass(frozen=True)
class Program:
    """A program that tests start.

    Attributes:
        name: what it is called here, and the folder it is in.
        path: the executable that is made.
        get: makes it.
        system: the name under which an installed one is used instead.
        always: whether `get` is to be called even if the program is there; it knows itself whether that one is current.
    """

    name: str
    path: Path
    get: Callable[[], None]
    system: str | None = None
    always: bool = False

    @property
    def reason_file(self) -> Path:
        """Says why the program isn't there."""
        return BACKENDS / f"{self.name}.unavailable"

    def find(self) -> Path:
        """Return the executable.

        Raises:
            Unavailable: it isn't there.
        """
        if self.system and (installed := shutil.which(self.system)):
            return Path(installed)
        if self.path.exists():
            return self.path
        reason = self.reason_file.read_text() if self.reason_file.exists() else "run `make backends`"
        raise Unavailable(f"{self.name} is not here: {reason}")


def _run(*command: str | Path) -> None:
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(" | ".join(lines[-_SHOWN_LINES:]) or f"{command[0]} failed ({done.returncode})")


def _built(name: str) -> Program:
    return Program(name, BUILT / name, lambda: _run("bash", _BUILD / "build.sh", BUILT), always=True)


def _packaged(package: str, system: str | None = None) -> Program:
    folder = BACKENDS / package
    path = folder / "root" / "usr" / "bin" / package
    return Program(package, path, lambda: _run("bash", _BUILD / "package.sh", folder, package), system)


def _python(name: str, requirement: str, script: str) -> Program:
    folder = BACKENDS / name

    def get() -> None:
        try:
            _run(sys.executable, "-m", "venv", folder)
            _run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-input", requirement)
        except Unavailable:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    return Program(name, folder / "bin" / script, get)


PROGRAMS = {
    program.name: program
    for program in (
        _built("otelcol"),
        _built("otelcol-check"),
        _packaged("victoria-metrics"),
        _packaged("prometheus", system="prometheus"),
        _packaged("prometheus-alertmanager", system="prometheus-alertmanager"),
        _python("ddapm-test-agent", "ddapm-test-agent==1.69.1", "ddapm-test-agent"),
        _python("arize-phoenix", "arize-phoenix==20.26.1", "phoenix"),
        _python("mlflow", "mlflow==3.17.2", "mlflow"),
    )
}


def main(names: Sequence[str]) -> int:
    """Get the programs of these names, or all; what can't be had is said and is no failure."""
    if unknown := [name for name in names if name not in PROGRAMS]:
        print(f"no backend {unknown[0]!r}; there are: {', '.join(PROGRAMS)}", file=sys.stderr)
        return 2
    BACKENDS.mkdir(parents=True, exist_ok=True)
    for name in names or PROGRAMS:
        program = PROGRAMS[name]
        try:
            _prepare(program)
            program.reason_file.unlink(missing_ok=True)
            print(f"{name:18}{program.find()}", flush=True)
        except Unavailable as error:
            program.reason_file.write_text(str(error))
            print(f"{name:18}not to be had here: {error}", flush=True)
    return 0


def _prepare(program: Program) -> None:
    try:
        program.find()
    except Unavailable:
        print(f"{program.name:18}getting it ...", flush=True)
        program.get()
    else:
        if program.always:
            program.get()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
