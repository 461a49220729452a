"""``otelml doctor`` without options, as a process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otelml.viewer.otlp import Signal
from otelml.viewer.receiver import OtlpReceiver


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An endpoint that answers."""
    with OtlpReceiver(lambda _signal, _request: None) as receiver:
        yield receiver.http_endpoint


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, kept from others."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def examine(environment: dict[str, str], *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run the command in an environment and return its exit code and the report by section."""
    run = subprocess.run(
        [sys.executable, *(arguments or ("-m", "otelml.cli.main")), "doctor", "--format", "json"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.stdout, run.stderr
    return run.returncode, {section["title"]: section for section in json.loads(run.stdout)["sections"]}


def test_healthy_environment(endpoint: str) -> None:
    """Where all is well, the report says what will happen, and the exit code is 0."""
    code, report = examine({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert code == 0, report
    assert report["Versions"]["facts"]["opentelemetry-api"][0].isdigit()
    assert report["Instrumentations"]["facts"]["sklearn"].startswith("will be instrumented (scikit-learn >= 1.4, here ")
    for signal in Signal:
        expected = f"OTLP (http/protobuf) to {endpoint}{signal.path}: answers (HTTP 200)"
        assert report["Export"]["facts"][signal.value] == expected
    assert report["Settings"]["facts"]["OTELML_MAX_CLASSES"] == "50 (default)"


def test_text_report_ends_with_the_verdict(endpoint: str) -> None:
    """The text has a line for each fact and ends with what is wrong, or with the word that nothing is."""
    run = subprocess.run(
        [sys.executable, "-m", "otelml.cli.main", "doctor"],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTELML_MAX_CLASSES": "7"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = run.stdout.splitlines()
    assert (run.returncode, run.stderr) == (0, "")
    assert any(line.split() == ["OTELML_MAX_CLASSES", "7", "(from", "the", "environment)"] for line in lines)
    assert lines[-1] == "No problems found."


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_endpoint_that_does_not_answer_is_a_problem(closed_port: int, protocol: str) -> None:
    """A wrong address is found before the telemetry is missed."""
    address = f"http://127.0.0.1:{closed_port}"
    code, report = examine({"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
    assert code == 1
    assert len(report["Export"]["problems"]) == 3
    assert "does not answer" in report["Export"]["facts"]["traces"]


def test_endpoint_of_something_else_is_a_problem(endpoint: str) -> None:
    """A server that is there but knows no OTLP at that path is told from a right one."""
    code, report = examine({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint + "/wrong"})
    assert code == 1
    assert "answers with HTTP 404" in report["Export"]["facts"]["metrics"]


def test_signals_may_go_to_different_places(endpoint: str) -> None:
    """The variables of one signal win over the common ones, as in the exporters."""
    code, report = examine(
        {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint + "/v1/traces",
            "OTEL_METRICS_EXPORTER": "console",
            "OTEL_LOGS_EXPORTER": "none",
        }
    )
    assert code == 0, report
    assert report["Export"]["facts"]["metrics"] == "exporter console"
    assert report["Export"]["facts"]["logs"] == "exporter none"


def test_wrong_settings_are_problems() -> None:
    """A wrong value and a name that does not exist are named; the others are in force."""
    code, report = examine({"OTEL_SDK_DISABLED": "true", "OTELML_OVERHEAD_BUDGET": "lots", "OTELML_BUGDET": "1%"})
    assert code == 1
    assert report["Export"]["facts"] == {"all": "off, by OTEL_SDK_DISABLED"}
    assert len(report["Settings"]["problems"]) == 2
    assert "OTELML_OVERHEAD_BUDGET='lots' is not valid" in report["Settings"]["problems"][0]
    assert report["Settings"]["problems"][1] == "There is no setting OTELML_BUGDET."
    assert report["Settings"]["facts"]["OTELML_OVERHEAD_BUDGET"].startswith("0.03")


def test_monitors_are_on_and_keep_their_state(tmp_path: Path) -> None:
    """Whether models are watched is said, and which file keeps what the monitors have seen."""
    off = {"OTEL_SDK_DISABLED": "true"}
    _, report = examine(off)
    assert report["Monitors"]["facts"]["drift and data quality"].startswith("on")
    assert report["Monitors"]["facts"]["state file"].startswith("none")

    kept = tmp_path / "state.json"
    code, report = examine({**off, "OTELML_STATE_FILE": str(kept)})
    assert (code, report["Monitors"]["facts"]["state file"]) == (0, f"{kept}, not there yet")
    kept.write_text("{}")
    _, report = examine({**off, "OTELML_STATE_FILE": str(kept), "OTELML_REFERENCE_AT_FIT": "false"})
    assert report["Monitors"]["facts"]["state file"].startswith(f"{kept}, written at 2")
    assert report["Monitors"]["facts"]["profile of training data"] == "not made, by OTELML_REFERENCE_AT_FIT"
    _, report = examine({**off, "OTELML_STATE_FILE": str(tmp_path / "{pid}.json")})
    assert report["Monitors"]["facts"]["state file"].endswith("{pid}.json, one for each process")


def test_monitors_that_are_off_or_cannot_keep_their_state(tmp_path: Path) -> None:
    """Monitors that are switched off are no problem, a state file that cannot be written is one."""
    off = {"OTEL_SDK_DISABLED": "true"}
    code, report = examine({**off, "OTELML_MONITORS": "false"})
    assert (code, report["Monitors"]["facts"]) == (0, {"drift and data quality": "off, by OTELML_MONITORS"})
    code, report = examine({**off, "OTELML_STATE_FILE": str(tmp_path / "nowhere" / "state.json")})
    assert code == 1
    assert "no folder to write to" in report["Monitors"]["problems"][0]


def test_disabled_instrumentation_is_said() -> None:
    """What OTEL_PYTHON_DISABLED_INSTRUMENTATIONS switches off is not announced as instrumented."""
    _, report = examine({"OTEL_SDK_DISABLED": "true", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask,sklearn"})
    assert report["Instrumentations"]["facts"]["sklearn"].startswith("switched off by ")


def test_unknown_distro_is_a_problem() -> None:
    """A distro that is asked for and not installed is named; the launcher would silently go without."""
    code, report = examine({"OTEL_SDK_DISABLED": "true", "OTEL_PYTHON_DISTRO": "acme"})
    assert code == 1
    assert report["Started with opentelemetry-instrument"]["problems"][0].startswith("OTEL_PYTHON_DISTRO='acme'")


def test_unsupported_version_is_a_problem(tmp_path: Path) -> None:
    """A library in a version that is not supported is named with what is supported."""
    metadata = tmp_path / "scikit_learn-1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: scikit-learn\nVersion: 1.0\n")
    code, report = examine({"OTEL_SDK_DISABLED": "true", "PYTHONPATH": f"{tmp_path}{os.pathsep}{_python_path()}"})
    assert code == 1
    assert report["Instrumentations"]["facts"]["sklearn"].startswith("not instrumented: unsupported version")
    assert "scikit-learn >= 1.4" in report["Instrumentations"]["problems"][0]


def _python_path() -> str:
    return os.environ.get("PYTHONPATH", "")


def test_under_the_launcher_the_hooks_are_on() -> None:
    """Started by opentelemetry-instrument, the doctor reports what that has really switched on."""
    launcher = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
    environment = {
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    _, report = examine(environment, "-c", launcher, sys.executable, "-m", "otelml.cli.main")
    assert report["Instrumentations"]["facts"]["sklearn"].startswith("on in this process")
