"""What otelml does in this environment: versions, hooks, launcher, export and settings."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

from otelml import settings
from otelml.cli import doctor_export
from otelml.distro import composition


@dataclass
class Section:
    """A part of the report: facts, and those of them that need the user's attention."""

    title: str
    facts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def examine(*, as_json: bool) -> int:
    """Print what there is; return 0, or 1 where something is wrong."""
    sections = [_versions(), _instrumentations(), _launcher(), _export(), _monitors(), _settings()]
    problems = [problem for section in sections for problem in section.problems]
    if as_json:
        print(json.dumps({"sections": [asdict(it) for it in sections], "problems": len(problems)}, indent=2))
    else:
        print("\n\n".join(map(_text, sections)))
        print("\n" + "\n".join(problems or ["No problems found."]))
    return 1 if problems else 0


def _text(section: Section) -> str:
    width = max(map(len, section.facts), default=0)
    return "\n".join([section.title, *(f"  {name:{width}}  {fact}" for name, fact in section.facts.items())])


def _versions() -> Section:
    section = Section("Versions", {"Python": platform.python_version()})
    for distribution in ("otelml", "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation"):
        section.facts[distribution] = _installed(distribution) or "not installed"
    return section


def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _instrumentations() -> Section:
    section = Section("Instrumentations")
    disabled = composition.disabled_instrumentations()
    for name in composition.INSTRUMENTORS:
        instrumentor = composition.load(name)
        libraries = [*instrumentor.requires, *instrumentor.requires_any]
        conflict = get_dependency_conflicts(instrumentor.requires, instrumentor.requires_any)
        there = ", ".join(_with_installed_version(it) for it in libraries)
        if instrumentor.is_instrumented_by_opentelemetry:
            state = "on in this process"
        elif name in disabled or "*" in disabled:
            state = "switched off by OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
        elif conflict is None:
            state = "will be instrumented"
        elif conflict.found or conflict.found_any:
            state = "not instrumented: unsupported version"
            section.problems.append(f"{name} cannot be instrumented: {conflict}")
        else:
            state = "not installed"
        section.facts[name] = f"{state} ({there})"
    return section


def _with_installed_version(requirement: str) -> str:
    installed = _installed(requirement.split()[0])
    return f"{requirement}, here {installed}" if installed else requirement


_NO_DISTRIBUTION = {"distro": "none is needed", "configurator": "none: otelml sets up the SDK"}


def _launcher() -> Section:
    section = Section("Started with opentelemetry-instrument")
    for role in ("distro", "configurator"):
        variable = f"OTEL_PYTHON_{role.upper()}"
        found = {point.name: point.value for point in entry_points(group=f"opentelemetry_{role}")}
        wanted = os.environ.get(variable)
        # The launcher takes the first one it comes across; the order is that of sys.path.
        name = next(iter(found), None) if wanted is None else wanted
        section.facts[role] = f"{name} ({found[name]})" if name in found else _NO_DISTRIBUTION[role]
        if wanted is not None and wanted not in found:
            section.problems.append(f"{variable}={wanted!r}, but there are only: {', '.join(found) or 'none'}.")
        elif wanted is None and len(found) > 1:
            section.facts[role] += f"; also installed: {', '.join(sorted(set(found) - {name}))}; {variable} chooses"
    return section


def _export() -> Section:
    section = Section("Export")
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        section.facts["all"] = "off, by OTEL_SDK_DISABLED"
        return section
    for signal, target in doctor_export.targets().items():
        section.facts[signal.value] = target.sentence
        if target.problem:
            section.problems.append(target.problem)
    return section


def _monitors() -> Section:
    section = Section("Monitors")
    resolved = settings.resolve(on_error=lambda _message: None)  # the settings' own section says what is wrong
    if not resolved.monitors:
        section.facts["drift and data quality"] = f"off, by {settings.environment_name('monitors')}"
        return section
    section.facts["drift and data quality"] = "on: the inputs and predictions of models are watched"
    section.facts["profile of training data"] = (
        "left on models by fit"
        if resolved.reference_at_fit
        else f"not made, by {settings.environment_name('reference_at_fit')}"
    )
    section.facts["state file"], problem = _state_file(resolved.state_file)
    if problem:
        section.problems.append(problem)
    return section


def _state_file(named: str) -> tuple[str, str]:
    """Return where the state of the monitors is kept, in words, and what is wrong there."""
    variable = settings.environment_name("state_file")
    if not named:
        return f"none: the state of the monitors ends with the process, unless {variable} names a file", ""
    path = Path(named).absolute()
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        return f"{path}, which cannot be written", f"{variable}={named!r}: {path.parent} is no folder to write to."
    if "{pid}" in named:
        return f"{path}, one for each process", ""
    if not path.exists():
        return f"{path}, not there yet", ""
    written = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    return f"{path}, written at {written:%Y-%m-%d %H:%M:%S %z}", ""


def _settings() -> Section:
    section = Section("Settings")
    known = {settings.environment_name(it.name): it for it in fields(settings.Settings)}
    environ = {name: value for name, value in os.environ.items() if name in known}
    resolved: Any = settings.resolve(environ=environ, on_error=section.problems.append)
    for variable, setting in known.items():
        source = "from the environment" if environ.get(variable, "").strip() else "default"
        section.facts[variable] = f"{getattr(resolved, setting.name)!r} ({source})"
    for variable in sorted(os.environ):
        if variable.startswith(settings.PREFIX) and variable not in known:
            section.problems.append(f"There is no setting {variable}.")
    return section
