"""The demo from end to end: processes that train, serve and send, and the telemetry that arrives."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "churn_flask"
DEMO = [sys.executable, "-m", "otelml.cli.main", "demo"]


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end, in the checkout."""
    return subprocess.run([*DEMO, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example that a test may spoil."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "example"))


def spoil(program: Path, before: str, after: str) -> None:
    """Replace something in a program."""
    text = program.read_text()
    assert before in text
    program.write_text(text.replace(before, after))


def test_all_telemetry_arrives() -> None:
    """The demo ends by itself, and every call, prediction, span and event of 40 and 48 requests was seen."""
    done = demo("--requests", "40")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "answers by status: 200: 36, 400: 3, 500: 1" in done.stdout
    assert done.stdout.splitlines()[-1] == (
        "All telemetry arrived: 88 requests, 82 predict calls, 2 failed, "
        "82 predict spans inside requests, 80 predicted classes, 80 scores, 2 exceptions, 1 fit, "
        "0 faults of the telemetry"
    )
    assert re.search(r"^Pipeline +predict_proba +82 +2", done.stdout, re.MULTILINE)
    assert re.search(r"^└─ predict Pipeline", done.stdout, re.MULTILINE)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in done.stdout
    assert "Faults" not in done.stdout


def test_drift_is_shown() -> None:
    """As it is started without options, the demo finds what has changed about the customers, and nothing before."""
    done = demo()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(", drift of contract, monthly_charges")
    before, after = done.stdout.split("--changed")
    assert before.count("drift: 19 features, none has drifted") == 1
    assert "after a price rise of 25%" in after
    assert "19 features, 2 have drifted" in after
    assert re.search(r"^Pipeline +monthly_charges +drifted +\d\.\d\d", after, re.MULTILINE)
    assert "Feature 'contract' has drifted" in after


@pytest.mark.slow
def test_drift_that_is_not_found_fails_the_demo(example: Path) -> None:
    """If customers are said to have changed and the events do not say so, the demo fails."""
    spoil(example / "traffic.py", "customers = changed(customers)", "pass")
    done = demo("--example", str(example))
    assert done.returncode == 1
    assert "drift of: contract, monthly_charges expected, nothing seen" in done.stdout


def test_a_program_that_fails_is_shown(example: Path) -> None:
    """When a program of the example fails, the demo fails with what it said."""
    spoil(example / "train.py", "import joblib", "raise SystemExit('no disk')")
    done = demo("--example", str(example))
    assert done.returncode == 1
    assert "train.py failed (exit code 1)" in done.stderr
    assert "no disk" in done.stderr


def test_a_folder_without_the_example_is_refused(tmp_path: Path) -> None:
    """Outside a checkout the demo says what it needs."""
    done = demo("--example", str(tmp_path))
    assert done.returncode == 1
    assert "no train.py" in done.stderr
    assert "--example" in done.stderr


@pytest.mark.slow
def test_a_server_that_does_not_start_is_shown(example: Path) -> None:
    """When the server stops before it answers, the demo fails with what it said."""
    spoil(example / "app.py", "create_app(arguments.model)", "raise SystemExit('no port')")
    done = demo("--example", str(example))
    assert done.returncode == 1
    assert "app.py did not start" in done.stderr
    assert "no port" in done.stderr


@pytest.mark.slow
def test_missing_telemetry_fails_the_demo(example: Path) -> None:
    """If the calls of the model can't be seen, the demo says which numbers differ, and fails."""
    off = "from otelml.instrumentation.sklearn import SklearnInstrumentor; SklearnInstrumentor().uninstrument()"
    spoil(example / "app.py", "import joblib", f"import joblib\n{off}")
    done = demo("--example", str(example), "--requests", "10")
    assert done.returncode == 1
    assert "The telemetry is not complete: predict calls: 20 expected, 0 seen" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_kept_running() -> None:
    """With --keep the server answers until Ctrl-C, and the demo still ends well."""
    process = subprocess.Popen(
        [*DEMO, "--keep", "--requests", "10"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    killer = threading.Timer(200, process.kill)
    killer.start()
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        command = shlex.split(next(line for line in lines if "| curl " in line))
        customer = Path(command[command.index("|") - 1]).read_bytes().splitlines()[0]
        request = urllib.request.Request(command[-1], customer, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["churn"] in ("Yes", "No")
        process.send_signal(signal.SIGINT)
        shown = "".join(lines)
        assert process.wait() == 0
    finally:
        killer.cancel()
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
    assert re.search(r"^Pipeline +predict_proba +20 +0|^Pipeline +predict_proba +21 +0", shown, re.MULTILINE)
    assert "All telemetry arrived: 22 requests" in shown
