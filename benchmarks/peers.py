"""The environments of other products: made once, from the pins in peers-*.txt, in a folder that git ignores."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import CACHE

_HERE = Path(__file__).resolve().parent


class Unavailable(RuntimeError):
    """A peer that cannot be installed here; the message says why."""


def python_of(peer: str, newest: tuple[int, int] | None = None) -> str:
    """The interpreter of a peer's environment, which is made if need be.

    Args:
        peer: the name in `peers-<name>.txt`.
        newest: the newest Python that it runs on, if not this one.

    Raises:
        Unavailable: there is no such Python, or pip could not install the peer.
    """
    requirements = _HERE / f"peers-{peer}.txt"
    pins = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = CACHE / "peers" / f"{peer}-{pins}"
    python = folder / "bin" / "python"
    if python.exists():
        return str(python)
    base = _base(newest)
    _run(peer, [base, "-m", "venv", str(folder)])
    try:
        _run(peer, [str(python), "-m", "pip", "--disable-pip-version-check", "-q", "install", "-r", str(requirements)])
    except Unavailable:
        shutil.rmtree(folder)  # the next run tries again
        raise
    return str(python)


def folder_of(peer: str) -> str:
    """The folder with a peer that is measured beside the libraries of this environment, which is made if need be.

    Its requirements are installed without what they require, so `peers-<name>.txt` names all that is not here.

    Raises:
        Unavailable: pip could not install the peer.
    """
    requirements = _HERE / f"peers-{peer}.txt"
    pins = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = CACHE / "peers" / f"{peer}-{pins}"
    if folder.exists():
        return str(folder)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install", "--no-deps"]
    try:
        _run(peer, [*pip, "--target", str(folder), "-r", str(requirements)])
    except Unavailable:
        shutil.rmtree(folder, ignore_errors=True)  # the next run tries again
        raise
    return str(folder)


def _base(newest: tuple[int, int] | None) -> str:
    if newest is None or sys.version_info[:2] <= newest:
        return sys.executable
    name = f"python{newest[0]}.{newest[1]}"
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"it needs {name}, which is not installed")
    return found


def _run(peer: str, command: list[str]) -> None:
    print(f"{peer}: {' '.join(command[1:])}", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Unavailable(f"`{' '.join(command[1:4])}` failed: {last}")
