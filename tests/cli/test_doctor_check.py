"""``otelml doctor --check`` and ``--listen``, as processes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter

from otelml.semconv import attributes as names
from tests.support.samples import TASK, count_call, emit_event, emit_span
from tests.support.telemetry import Telemetry

DOCTOR = [sys.executable, "-m", "otelml.cli.main", "doctor"]


@pytest.fixture
def source() -> Iterator[Telemetry]:
    """Telemetry that only the doctor is to see."""
    telemetry = Telemetry()
    yield telemetry
    telemetry.close()


def doctor(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run([*DOCTOR, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)


def write(telemetry: Telemetry, path: Path) -> Path:
    """Write telemetry as the Collector's file exporter does; without ids, of which only the encoding differs."""
    trees: list[Any] = [MessageToDict(request) for request in telemetry.requests()]
    for tree in trees:
        for group in tree.get("resourceSpans", []):
            for span in group["scopeSpans"][0]["spans"]:
                del span["traceId"], span["spanId"]
    path.write_text("".join(json.dumps(tree) + "\n" for tree in trees))
    return path


def test_right_telemetry_passes(source: Telemetry, tmp_path: Path) -> None:
    """A file without violations gives exit code 0 and says how much was checked."""
    emit_span(source)
    count_call(source)
    emit_event(source)
    run = doctor("--check", write(source, tmp_path / "otlp.jsonl"))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("Checked 3 spans, metrics and events. Findings: 0 at the level violation")


def test_violations_are_grouped_and_fail(source: Telemetry, tmp_path: Path) -> None:
    """A fault that comes with every span is one line with its count, and the exit code is 1."""
    for number in range(3):
        emit_span(source, {**TASK, "shop.name": str(number)})
    run = doctor("--check", write(source, tmp_path / "otlp.jsonl"))
    assert run.returncode == 1
    first, summary = run.stdout.splitlines()
    assert first == (
        "violation   missing_attribute: span fit churn: Attribute 'shop.name' is not in the registry. "
        "(3 times such as '0')"
    )
    assert "3 at the level violation" in summary


def test_allowed_attributes_pass(source: Telemetry, tmp_path: Path) -> None:
    """The attributes of an application's own can be allowed by a pattern."""
    emit_span(source, {**TASK, "shop.name": "a"})
    assert doctor("--check", write(source, tmp_path / "otlp.jsonl"), "--allow", "shop.*").returncode == 0


def test_milder_findings_are_shown_on_request(source: Telemetry, tmp_path: Path) -> None:
    """An undeclared value of an open enum is no violation, and shown at the level information only."""
    emit_span(source, {**TASK, names.ML_SYSTEM_NAME: "river"})
    path = write(source, tmp_path / "otlp.jsonl")
    quiet, full = doctor("--check", path), doctor("--check", path, "--level", "information")
    assert (quiet.returncode, full.returncode) == (0, 0)
    assert "undefined_enum_variant" not in quiet.stdout
    assert "information undefined_enum_variant: span fit churn" in full.stdout


def test_report_as_json(source: Telemetry, tmp_path: Path) -> None:
    """The report is there for programs, too."""
    emit_span(source, {**TASK, names.ML_MODEL_VERSION: 3})
    run = doctor("--check", write(source, tmp_path / "otlp.jsonl"), "--format", "json")
    report = json.loads(run.stdout)
    assert run.returncode == 1
    assert report["checked"] == 1
    assert report["signals"] == ["span ml.training.task.internal"]
    assert report["counts"] == {"violation": 1, "improvement": 0, "information": 0}
    (finding,) = report["findings"]
    assert (finding["id"], finding["attribute"], finding["value"]) == ("type_mismatch", names.ML_MODEL_VERSION, 3)


def test_protobuf_file_is_checked(source: Telemetry, tmp_path: Path) -> None:
    """A protobuf request is read when the signal is named."""
    emit_span(source)
    path = tmp_path / "spans.bin"
    path.write_bytes(source.requests()[0].SerializeToString())
    run = doctor("--check", path, "--signal", "traces")
    assert run.returncode == 0, run.stderr


def test_nothing_to_check_fails(source: Telemetry, tmp_path: Path) -> None:
    """A file without telemetry of otelml does not pass for right, unless other libraries' is to be checked."""
    emit_span(source, scope="shop")
    path = write(source, tmp_path / "otlp.jsonl")
    run = doctor("--check", path)
    assert run.returncode == 1
    assert "no telemetry of otelml" in run.stdout
    assert doctor("--check", path, "--all").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check", "no-such-file"], "No such file"),
        (["--check", __file__], "no resourceSpans"),
        (["--check", __file__, "--listen"], "not allowed with"),
        (["--signal", "traces"], "--signal says"),
        (["--for", "1"], "--for says"),
        (["--listen", "--http-port", "70000"], "can't listen"),
        (["--level", "bad"], "invalid choice"),
        (["--check", __file__, "--signal", "profiles"], "--signal"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], message: str) -> None:
    """What cannot be done is said on stderr, with exit code 2 and without a traceback."""
    run = doctor(*arguments)
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_listening_for_a_time() -> None:
    """A listening doctor ends by itself after the given time, and fails when nothing came."""
    run = doctor("--listen", "--http-port", 0, "--grpc-port", 0, "--for", 0.1)
    assert run.returncode == 1
    assert "nothing to check" in run.stdout


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_listening_checks_both_protocols(source: Telemetry, ending: signal.Signals) -> None:
    """What real exporters send over HTTP and gRPC is checked and reported when the doctor is told to end."""
    emit_span(source, {**TASK, "shop.name": "a"})
    spans = source.span_exporter.get_finished_spans()
    command = [*DOCTOR, "--listen", "--http-port", "0", "--grpc-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            http, grpc = re.findall(r"http://[\d.]+:\d+", process.stderr.readline())
            over_http, over_grpc = HttpExporter(f"{http}/v1/traces"), GrpcExporter(grpc, insecure=True)
            over_http.export(spans)
            over_grpc.export(spans)
            over_http.shutdown()
            over_grpc.shutdown()
            process.send_signal(ending)
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, errors) == (1, "")
    assert "missing_attribute: span fit churn: Attribute 'shop.name' is not in the registry. (2 times" in output
