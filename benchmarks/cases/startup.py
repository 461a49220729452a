"""What switching otelml on adds to a program's start."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from benchmarks.harness import Spread, environment
from benchmarks.report import Check, Report, Table

_LIMIT_MS = 60.0
_ABSENT = ("sklearn", "torch", "openai")
_PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
_LAUNCHER = "opentelemetry-instrument"

Program = tuple[Sequence[str], Mapping[str, str]]


def run(quick: bool) -> Report:
    """Run each program in turn, in random order, and take the CPU time of each from the operating system."""
    rounds = 2 if quick else 20
    times = _times(_programs(), rounds)
    rows = [
        [name, _text(Spread.of(found)), _text(_difference(times, name, _base(name)))] for name, found in times.items()
    ]
    added = _difference(times, "otelml.instrument()", "the SDK alone").median
    imported = _imported()
    checks = [
        Check("otelml.instrument() over the SDK alone", f"{added:.1f} ms", f"<= {_LIMIT_MS:g} ms", added <= _LIMIT_MS),
        Check("imported by it", ", ".join(imported) or "none of them", f"none of {', '.join(_ABSENT)}", not imported),
    ]
    if "launcher, otelml's instrumentors" in times:
        added = _difference(times, "launcher, otelml's instrumentors", "launcher, no instrumentors").median
        checks.append(
            Check(
                "otelml's instrumentors under the launcher",
                f"{added:.1f} ms",
                f"<= {_LIMIT_MS:g} ms",
                added <= _LIMIT_MS,
            )
        )
    return Report(
        title="Start-up",
        about=f"CPU time of whole processes, user and system, {rounds} of each in random order; bytecode is cached, as "
        "in an installed package. Each sets up providers for all three signals with the OTLP exporter over HTTP. The "
        "difference is the median of those within a round.",
        tables=[Table("", ["Program", "CPU, ms", "more than the line it is compared with, ms"], rows)],
        checks=checks,
        notes=[
            "Under the launcher both programs load otelml's distro; only its instrumentors differ. Those of other "
            "packages are off in both."
        ],
    )


def _programs() -> dict[str, Program]:
    programs: dict[str, Program] = {
        "python": ([sys.executable, "-c", "pass"], {}),
        "the SDK alone": ([sys.executable, str(_PROGRAMS / "sdk_alone.py")], {}),
        "otelml.instrument()": ([sys.executable, str(_PROGRAMS / "instrumented.py")], {}),
    }
    launcher = Path(sys.executable).with_name(_LAUNCHER)
    if launcher.exists():
        command = [str(launcher), sys.executable, str(_PROGRAMS / "nothing.py")]
        programs["launcher, no instrumentors"] = command, {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}
        programs["launcher, otelml's instrumentors"] = (
            command,
            {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ",".join(_others())},
        )
    return programs


def _base(name: str) -> str:
    bases = {
        "the SDK alone": "python",
        "otelml.instrument()": "the SDK alone",
        "launcher, no instrumentors": "python",
        "launcher, otelml's instrumentors": "launcher, no instrumentors",
    }
    return bases.get(name, "python")


def _others() -> list[str]:
    """The instrumentors of other packages."""
    found = entry_points(group="opentelemetry_instrumentor")
    return sorted(entry.name for entry in found if not entry.value.startswith("otelml."))


def _times(programs: Mapping[str, Program], rounds: int) -> dict[str, list[float]]:
    order = random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name in order.sample(list(programs), len(programs)):
            spent = _cpu_time(*programs[name])
            if number:  # the first run fills the caches
                times[name].append(spent)
    return times


def _cpu_time(command: Sequence[str], variables: Mapping[str, str]) -> float:
    """Milliseconds that a process took, user and system."""
    process = subprocess.Popen(command, env={**environment(), **variables}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def _difference(times: Mapping[str, list[float]], name: str, base: str) -> Spread:
    return Spread.of([time - other for time, other in zip(times[name], times[base], strict=True)])


def _text(spread: Spread) -> str:
    return f"{spread.median:.1f} [{spread.lower:.1f}, {spread.upper:.1f}]"


def _imported() -> list[str]:
    """Which of the libraries that must not be imported are."""
    listing = f"print(*[name for name in {_ABSENT!r} if name in sys.modules], flush=True)"
    code = f"import os, sys, otelml; otelml.instrument(); {listing}; os._exit(0)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    return done.stdout.split()
