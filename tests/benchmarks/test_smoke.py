"""The benchmarks run; what they measure is theirs to say, not a test's."""

from __future__ import annotations

import subprocess
import sys

from benchmarks import render, report
from benchmarks.harness import ROOT, Measurement
from benchmarks.report import Report, Target


def test_a_quick_benchmark_prints_its_table() -> None:
    """A contender in a process of its own takes its turns, and the table and the targets come out."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "unsampled_parent", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("## ")
    rows = {line.split("|")[1].strip() for line in lines if line.startswith("|")}
    assert {"bare", "otelml", "span and record by hand", "otelml, mean to bare"} <= rows


def test_a_missed_target_is_called_missed() -> None:
    """A figure above its target is marked as missed, one below as met, and the page counts them."""
    slow = {"mean": 110.0, "p50": 102.0, "p99": 100.0, "thread_cpu": 100.0, "process_cpu": 100.0}
    bare = dict.fromkeys(slow, 100.0)
    measured = Measurement({"bare": [bare, bare], "otelml": [slow, slow]}, {})
    targets = [Target("otelml", "mean", 1.06), Target("otelml", "p50", 1.04)]

    page = render.page({"case": Report("Case", "About.", checks=report.check(measured, targets))})

    marks = {
        row.split("|")[2].strip(): row.split("|")[5].strip() for row in page.splitlines() if row.startswith("| case")
    }
    assert marks == {"otelml, mean to bare": "**missed**", "otelml, p50 to bare": "met"}
    assert "1 of 2 are met" in page
