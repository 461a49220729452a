"""`opentelemetry-instrument python app.py`: what is set up, what is printed, and that the application always runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otelml.semconv import metrics
from tests.e2e.programs import (
    MODEL,
    NOTHING_EXPORTED,
    ROOT,
    STATE,
    environment,
    install,
    run,
    state,
    without,
)
from tests.support.endpoint import OtlpEndpoint

PREDICTING = (
    MODEL
    + """
for _ in range(30):
    model.predict([[1], [2]])
print("done")
"""
)

DISTRIBUTION = """
import os
from opentelemetry import trace
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk.trace import TracerProvider

class Distro(BaseDistro):
    def _configure(self, **kwargs):
        print("distro of {name}")

class Configurator:
    def configure(self, **kwargs):
        print("configurator of {name}")
        trace.set_tracer_provider(TracerProvider())
"""
POINTS = """
[opentelemetry_distro]
{name} = {name}:Distro
[opentelemetry_configurator]
{name} = {name}:Configurator
"""


def install_distro(folder: Path, name: str) -> None:
    """Put a distribution of OpenTelemetry into a folder, one that traces only."""
    install(folder, name, "1.0", POINTS.format(name=name), DISTRIBUTION.format(name=name))


def test_everything_arrives_and_nothing_is_printed(otlp_endpoint: OtlpEndpoint) -> None:
    """An application without a line of telemetry in it is counted to the last call, and prints what it always does."""
    done = run(PREDICTING, env=environment(otlp_endpoint.environment, everything_instrumented=True), launched=True)
    assert (done.stdout, done.stderr) == ("done\n", "")
    assert otlp_endpoint.point(metrics.ML_INFERENCE_CALLS.name).value == 30
    assert otlp_endpoint.point(metrics.ML_INFERENCE_SAMPLES.name).value == 60
    assert {span.name for span in otlp_endpoint.spans} == {"predict Model"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"traces": "sdk", "metrics": "sdk", "logs": "sdk", "sklearn": True}),
        (NOTHING_EXPORTED, {"traces": "trace", "metrics": "metrics", "logs": "_logs", "sklearn": True}),
        ({"OTEL_METRICS_EXPORTER": "none"}, {"traces": "sdk", "metrics": "metrics", "logs": "sdk"}),
        ({"OTEL_SDK_DISABLED": "true"}, {"traces": "trace", "metrics": "metrics", "logs": "_logs"}),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {"traces": "sdk", "metrics": "sdk", "logs": "sdk", "sklearn": True}),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask, sklearn"}, {"traces": "sdk", "sklearn": False}),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}, {"traces": "sdk", "sklearn": False}),
        ({"OTELML_OVERHEAD_BUDGET": "10%"}, {"overhead_budget": 0.1}),
        ({"OTEL_PYTHON_DISTRO": "otelml"}, {"traces": "sdk", "sklearn": True}),
    ],
)
def test_variables_are_honoured_in_silence(variables: dict[str, str], expected: dict[str, object]) -> None:
    """The variables say what is set up; a program that uses no model has nothing to export, and nothing is printed."""
    done = run(STATE, env=environment(variables), launched=True)
    assert state(done).items() >= expected.items()
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        (
            {"OTELML_OVERHEAD_BUDGET": "lots"},
            [
                "OTELML_OVERHEAD_BUDGET='lots' is not valid: expected a share such as 3% or 0.03, from 0% to 100%. "
                "The default is used."
            ],
        ),
        ({"OTELML_OVERHEAD_BUGDET": "1%"}, ["There is no setting OTELML_OVERHEAD_BUGDET. Did you mean"]),
        ({"OTEL_TRACES_EXPORTER": "zipkin,none"}, ["OTEL_TRACES_EXPORTER=zipkin: no such exporter is installed"]),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, ["The OTLP protocol 'http/json' is not supported"]),
    ],
)
def test_wrong_values_are_logged_once(variables: dict[str, str], lines: list[str]) -> None:
    """A wrong value is logged with what would be right, the rest is set up, and the application runs."""
    done = run(STATE, env=environment(variables), launched=True)
    found = state(done)
    assert (found["metrics"], found["sklearn"], found["overhead_budget"]) == ("sdk", True, 0.03)
    printed = done.stderr.splitlines()
    assert len(printed) == len(lines), done.stderr
    assert all(line in there for line, there in zip(lines, printed, strict=True))


def test_console_exporter() -> None:
    """The console exporters print what is emitted, and nothing else is printed."""
    console = {name: "console" for name in NOTHING_EXPORTED}
    program = "from opentelemetry import trace; trace.get_tracer('app').start_span('work').end()"
    done = run(program, env=environment(console), launched=True)
    assert '"name": "work"' in done.stdout
    assert done.stderr == ""


def test_another_distribution_is_in_charge(tmp_path: Path) -> None:
    """Where a distribution of OpenTelemetry is installed it sets up the SDK, we instrument, and nobody warns."""
    install_distro(tmp_path, "acme")
    done = run(STATE, env=environment(path=tmp_path), launched=True)
    *printed, last = done.stdout.splitlines()
    assert printed == ["distro of acme", "configurator of acme"]
    assert done.stderr == ""
    done.stdout = last
    assert state(done).items() >= {"traces": "sdk", "metrics": "metrics", "logs": "_logs", "sklearn": True}.items()


def test_a_distribution_can_be_chosen(tmp_path: Path) -> None:
    """With several distributions the variables choose one; the launcher warns of the others only, not of us."""
    for name in ("acme", "emca"):
        install_distro(tmp_path, name)
    for name, other in (("acme", "emca"), ("emca", "acme")):
        chosen = {"OTEL_PYTHON_DISTRO": name, "OTEL_PYTHON_CONFIGURATOR": name}
        done = run(STATE, env=environment(chosen, path=tmp_path), launched=True)
        assert done.stdout.splitlines()[:2] == [f"distro of {name}", f"configurator of {name}"]
        assert [line.split()[2] for line in done.stderr.splitlines()] == [other]
        assert '"sklearn": true' in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_without_scikit_learn(tmp_path: Path) -> None:
    """Where scikit-learn is not installed the application runs as if we were not there, and nothing is printed."""
    program = (
        "import importlib.util; assert importlib.util.find_spec('sklearn') is None\n"
        "from opentelemetry.instrumentation.auto_instrumentation import initialize; initialize()\n" + STATE
    )
    folder = without(tmp_path / "site", "sklearn", "scikit_learn")
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(folder), str(ROOT / "src")]))
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env=environment({"PYTHONPATH": path}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert state(done).items() >= {"traces": "sdk", "sklearn": False}.items()


@pytest.mark.parametrize("launched", [True, False], ids=["launcher", "instrument()"])
def test_scikit_learn_too_old(tmp_path: Path, launched: bool) -> None:
    """A version that we don't know is left alone, and one line says which versions are instrumented."""
    install(tmp_path, "scikit_learn", "1.3")
    program = STATE if launched else f"import otelml; otelml.instrument()\n{STATE}"
    done = run(program, env=environment(path=tmp_path), launched=launched)
    assert state(done).items() >= {"traces": "sdk", "sklearn": False}.items()
    (line,) = done.stderr.splitlines()
    assert "sklearn" in line
    assert "scikit-learn >= 1.4" in line.replace("scikit-learn>=", "scikit-learn >= ")
    assert "1.3" in line


def test_instrument_under_the_launcher(otlp_endpoint: OtlpEndpoint) -> None:
    """An application that also calls `otelml.instrument()` is counted once, with the settings of the call."""
    program = f"import otelml; otelml.instrument(overhead_budget='100%'); {PREDICTING}"
    done = run(program.replace("; \n", "\n"), env=environment(otlp_endpoint.environment), launched=True)
    assert done.stderr == ""
    assert otlp_endpoint.point(metrics.ML_INFERENCE_CALLS.name).value == 30
    assert otlp_endpoint.point(metrics.ML_INFERENCE_DURATION.name).count == 30
