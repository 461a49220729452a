"""Programs that the tests run as processes of their own, with and without the launcher."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

LAUNCHER = [sys.executable, "-c", "from opentelemetry.instrumentation.auto_instrumentation import run; run()"]

MODEL = """
from sklearn.base import BaseEstimator

class Model(BaseEstimator):
    def predict(self, X):
        return [0] * len(X)

model = Model()
"""
"""A model of scikit-learn's kind, the cheapest there is to import."""

STATE = """
import json
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from otelml import settings
from otelml.instrumentation.sklearn import SklearnInstrumentor

def owner(provider):
    return type(provider).__module__.split(".")[1]

print(json.dumps({
    "traces": owner(trace.get_tracer_provider()),
    "metrics": owner(metrics.get_meter_provider()),
    "logs": owner(get_logger_provider()),
    "sklearn": SklearnInstrumentor().is_instrumented_by_opentelemetry,
    "overhead_budget": settings.current().overhead_budget,
}))
"""
"""A program that prints what is set up in it; it uses no model."""

NOTHING_EXPORTED = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


def environment(
    *overrides: Mapping[str, str], path: Path | None = None, everything_instrumented: bool = False
) -> dict[str, str]:
    """The environment of a program.

    Args:
        overrides: variables that are set.
        path: a folder that is searched for modules and distributions before all others.
        everything_instrumented: whether the instrumentations that happen to be installed here are on, too.
    """
    found = dict(os.environ)
    if not everything_instrumented:
        found["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = "flask,fastapi,asgi,wsgi,mlflow"
    for variables in overrides:
        found.update(variables)
    if path is not None:
        found["PYTHONPATH"] = os.pathsep.join([str(path), *filter(None, [found.get("PYTHONPATH")])])
    return found


def run(
    program: str | Path, *arguments: str, env: Mapping[str, str], launched: bool = False, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a program, given as text or file, to its end; it must end well."""
    command = [sys.executable, *(["-c", program] if isinstance(program, str) else [str(program)]), *arguments]
    done = subprocess.run(
        [*(LAUNCHER if launched else []), *command],
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def state(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What `STATE` printed."""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def install(folder: Path, name: str, version: str, entry_points: str = "", module: str = "") -> None:
    """Put a distribution into a folder: its metadata, and a module of its name."""
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    (metadata / "entry_points.txt").write_text(entry_points)
    if module:
        (folder / f"{name}.py").write_text(module)


def without(folder: Path, *prefixes: str) -> Path:
    """Make a folder with everything that is installed here but what begins so, for a process started with -S."""
    folder.mkdir()
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if not installed.name.startswith(prefixes):
            (folder / installed.name).symlink_to(installed)
    return folder
