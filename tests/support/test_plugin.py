"""The fixtures and the coverage check, in pytest runs of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otelml.viewer.livecheck import installed_registry
from tests.support.coverage import problems

ROOT = Path(__file__).parents[2]

CLEAN = """
from tests.support.samples import emit_span

def test_clean(telemetry):
    emit_span(telemetry)
"""
FAULTY = """
from tests.support.samples import TASK, emit_span

def test_faulty(telemetry):
    emit_span(telemetry, {**TASK, "shop.name": "a"})

def test_undeclared_value(telemetry):
    emit_span(telemetry, {**TASK, "ml.system.name": "river"})

def test_vouched_for(telemetry):
    telemetry.allow("shop.*", "ml.system.name")
    emit_span(telemetry, {**TASK, "shop.name": "a", "ml.system.name": "river"})

def test_expected(telemetry):
    telemetry.expect("missing_attribute")
    emit_span(telemetry, {**TASK, "shop.name": "a"})

def test_expected_in_vain(telemetry):
    telemetry.expect("missing_attribute")
    emit_span(telemetry)
"""
COMPLAINING = """
from tests.support.samples import TASK, emit_span

def test_dropped_attribute(telemetry):
    emit_span(telemetry, {**TASK, "ml.training.task.name": object()})
"""
GUARDED = """
import pytest
from otelml import _guard

@_guard.guarded
def fault():
    raise LookupError("telemetry")

def test_raises():
    with pytest.raises(LookupError):
        fault()

def test_contains(contained_faults):
    assert fault() is None
"""
FAR = """
import os, subprocess, sys

SCRIPT = '''
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.samples import TASK, emit_span
from tests.support.telemetry import Telemetry

telemetry = Telemetry()
telemetry.tracer_provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
emit_span(telemetry, {**TASK, "shop.name": "a"})
'''

def test_far(otlp_endpoint):
    subprocess.run([sys.executable, "-c", SCRIPT], env={**os.environ, **otlp_endpoint.environment}, check=True)
    assert otlp_endpoint.span().attributes["shop.name"] == "a"
"""

FAR_FAULT = """
import urllib.request
from otelml.semconv.metrics import ML_TELEMETRY_FAULTS
from tests.support.samples import count_call
from tests.support.telemetry import Telemetry

def send_fault(endpoint):
    telemetry = Telemetry()
    site = {"ml.telemetry.site": "somewhere", "error.type": "LookupError"}
    count_call(telemetry, site, metric=ML_TELEMETRY_FAULTS)
    body = telemetry.requests()[0].SerializeToString()
    headers = {"Content-Type": "application/x-protobuf"}
    urllib.request.urlopen(urllib.request.Request(endpoint.url + "/v1/metrics", body, headers)).close()

def test_fault(otlp_endpoint):
    send_fault(otlp_endpoint)

def test_fault_that_is_allowed(otlp_endpoint):
    otlp_endpoint.allows_faults = True
    send_fault(otlp_endpoint)
"""


def run_pytest(folder: Path, content: str, *options: str) -> tuple[int, str]:
    """Run pytest with the plugin on one file and return its exit code and output."""
    (folder / "test_it.py").write_text(content)
    path = os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.plugin", "-p", "no:cacheprovider", "-ra", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_telemetry_is_checked_at_the_end_of_a_test(tmp_path: Path) -> None:
    """A fault fails the test that emitted it, unless the test vouches for it or expects it."""
    code, output = run_pytest(tmp_path, FAULTY)
    assert code == 1
    assert "5 passed, 3 errors" in output
    assert "missing_attribute: span fit churn: Attribute 'shop.name' is not in the registry." in output
    assert "undefined_enum_variant: span fit churn" in output
    assert "nothing, expected missing_attribute" in output


def test_complaints_of_the_sdk_fail_a_test(tmp_path: Path) -> None:
    """An attribute that the SDK drops with a warning fails the test."""
    code, output = run_pytest(tmp_path, COMPLAINING)
    assert code == 1
    assert 'the SDK complained: ["Invalid type' in output


def test_faults_are_raised_unless_they_are_to_be_contained(tmp_path: Path) -> None:
    """What the guard contains in an application fails a test that has not asked for containment."""
    code, output = run_pytest(tmp_path, GUARDED)
    assert code == 0, output


def test_other_processes_are_checked_at_the_end_of_a_test(tmp_path: Path) -> None:
    """What a process sent to the endpoint is there when it has ended, and is checked, too."""
    code, output = run_pytest(tmp_path, FAR)
    assert code == 1
    assert "1 passed, 1 error" in output
    assert "missing_attribute: span fit churn" in output


def test_faults_contained_in_other_processes_fail_a_test(tmp_path: Path) -> None:
    """A process contains its telemetry faults and reports them; the test that started it fails."""
    code, output = run_pytest(tmp_path, FAR_FAULT)
    assert code == 1
    assert "2 passed, 1 error" in output
    assert "telemetry faults were contained" in output


@pytest.mark.parametrize("processes", [["-p", "no:xdist"], ["-n", "2"]], ids=["one", "xdist"])
def test_uncovered_signals_fail_the_session(tmp_path: Path, processes: list[str]) -> None:
    """With the switch on, a signal that no test emits fails the run; one that a test emits in any process does not."""
    code, output = run_pytest(tmp_path, CLEAN, "--semconv-coverage", *processes)
    assert code == 1
    assert "1 passed" in output
    assert "metric ml.inference.calls is declared, but no test emits it" in output
    assert "span ml.training.task.internal is declared" not in output


def test_coverage_is_judged_on_request_only(tmp_path: Path) -> None:
    """A run of a part of the suite needs to emit nothing."""
    code, output = run_pytest(tmp_path, CLEAN)
    assert code == 0, output


def test_plan_and_tests_must_agree() -> None:
    """All that is not planned must be emitted, and nothing that is."""
    registry = installed_registry()
    emitted = {(it.kind, it.name) for it in registry.signals() if not it.planned}
    planned = next(it for it in registry.signals() if it.planned)
    assert problems(registry, emitted) == []
    assert problems(registry, {*emitted, (planned.kind, planned.name)}) == [
        f"{planned.kind} {planned.name} is emitted: take it off semconv/planned.yaml"
    ]
