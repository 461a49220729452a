"""Files of objectives: what is wrong is refused with file, line and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelml.cli.main import main
from otelml.rules.limits import LIMITS
from otelml.rules.objectives import parse_objectives
from otelml.rules.source import SourceError

GOOD = """\
apiVersion: otelml/v1
kind: SLO
metadata: {name: fast}
spec:
  service: churn-api
  indicator:
    type: latency
    threshold: 0.25
    where: {ml.model.name: [churn, "a.b"], ml.inference.mode: online}
  timeWindow: [{duration: 30d, isRolling: true}]
  objectives: [{target: 0.8}]
  alerting:
    minimumEvents: 50
    burnRates: [{severity: page, window: 6h, factor: 3}]
"""
ALERTS = "apiVersion: otelml/v1\nkind: Alerts\nspec:\n"

# What is changed in GOOD, the line that is blamed, and words of the reason.
WRONG = [
    ("otelml/v1", "openslo/v1", 1, "did you mean `otelml/v1`"),
    ("kind: SLO", "kind: SLA", 2, "did you mean `SLO`"),
    ("metadata: {name: fast}", "metadata: {name: Fast API}", 3, "lower case"),
    ("metadata: {name: fast}", "", 1, "needs `metadata`"),
    ("  service: churn-api\n", "", 4, "spec needs `service`"),
    ("service: churn-api", "service: churn-api\n  servce: x", 6, "did you mean `service`"),
    ("service: churn-api", "service: churn-api\n  service: x", 6, "stands twice"),
    ("type: latency", "type: latencies", 7, "did you mean `latency`"),
    ("    threshold: 0.25\n", "", 6, "needs `threshold`: seconds"),
    ("threshold: 0.25", "threshold: 0.3", 8, "boundaries near it are 0.1, 0.25"),
    ("threshold: 0.25", "threshold: 250ms", 8, "must be a number"),
    ("threshold: 0.25", "threshold: -1", 8, "above 0"),
    ("type: latency", "type: availability", 8, "has no threshold"),
    ("ml.inference.mode", "ml.slice.name", 9, "nothing would ever match"),
    ("mode: online", "mode: 3", 9, "put it in quotes"),
    ("mode: online", "mode: onlin", 9, "did you mean `online`"),
    ("mode: online", "mode: [batch, shadows]", 9, "did you mean `shadow`"),
    ("duration: 30d", "duration: 1h", 10, "known are 7d"),
    ("isRolling: true", "isRolling: false", 10, "calendar"),
    ("target: 0.8", "target: 99.9", 11, "for 99.9% write 0.999"),
    ("target: 0.8", "target: 1", 11, "no error budget"),
    ("target: 0.8", "target: 0", 11, "above 0 and below 1"),
    ("target: 0.8", "target: high", 11, "must be a number"),
    ("target: 0.8", "target: true", 11, "must be a number"),
    ("[{target: 0.8}]", "[]", 11, "at least one"),
    ("[{target: 0.8}]", "{target: 0.8}", 11, "must be a list"),
    ("minimumEvents: 50", "minimumEvents: -1", 13, "negative"),
    ("factor: 3", "factor: 14.4", 14, "can never be exceeded: with a target of 0.8 it is at most 1 / (1 - 0.8) = 5"),
    ("factor: 3", "factor: 0", 14, "above 0"),
    ("window: 6h", "window: 5h", 14, "unknown"),
    ("kind: SLO", "kind: !!python/object:os.system SLO", 2, "not YAML"),
    ("spec:", "spec: [", 6, "not YAML"),
]


def refusal(text: str) -> str:
    """The text of the error."""
    with pytest.raises(SourceError) as caught:
        parse_objectives(text, "slo.yaml")
    return str(caught.value)


def test_good_file() -> None:
    """The whole form is read."""
    slo = parse_objectives(GOOD, "slo.yaml").slos[0]
    assert slo.where == ('ml_model_name=~"churn|a\\\\.b"', 'ml_inference_mode="online"')
    assert (slo.threshold, slo.target, slo.period, slo.minimum_events) == (0.25, 0.8, "30d", 50)
    assert [(step.long, step.short, step.factor) for step in slo.alerts] == [("6h", "30m", 3)]


@pytest.mark.parametrize(("old", "new", "line", "reason"), WRONG, ids=[reason for *_, reason in WRONG])
def test_nonsense_is_refused(old: str, new: str, line: int, reason: str) -> None:
    """The error names file and line, and says what is wrong."""
    assert old in GOOD
    text = refusal(GOOD.replace(old, new))
    assert text.startswith(f"slo.yaml:{line}: "), text
    assert reason in text


@pytest.mark.parametrize(
    ("spec", "line", "reason"),
    [
        ("  drift: {stabilityIndex: 20}", 4, "could never fire"),
        ("  serving: {errorRatio: 1}", 4, "could never fire"),
        ("  serving: {errorRatio: 0}", 4, "must be above 0"),
        ("  drift:\n    minimumRows: 5", 5, "at least 200"),
        ("  drift: {psi: 0.1}", 4, "has no `psi`"),
        ("  rollouts: {x: 1}", 4, "has no `rollouts`"),
        ("  gpu: 3", 4, "must be a mapping"),
    ],
)
def test_limits_that_make_no_sense_are_refused(spec: str, line: int, reason: str) -> None:
    """A limit at which its alert would always or never fire is an error."""
    text = refusal(ALERTS + spec)
    assert text.startswith(f"slo.yaml:{line}: "), text
    assert reason in text


def test_a_target_without_any_alert_is_refused() -> None:
    """An objective that can never be alerted on is an error, unless it says how to."""
    text = GOOD[: GOOD.index("  alerting")].replace("target: 0.8", "target: 0.2")
    assert "can never be alerted on" in refusal(text)


def test_what_nothing_emits_is_refused_unless_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An objective on a planned metric is an error that says so; `--planned` makes its rules."""
    path = tmp_path / "slo.yaml"
    path.write_text(GOOD.replace("latency", "label_freshness").replace("0.25", "604800").replace("\n    where", "\n#"))
    assert main(["rules", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{path}:7: ")
    assert "could never fire: otelml does not emit ml.feedback.delay yet (planned for 20" in error
    assert main(["rules", str(path), "--planned"]) == 0
    assert "ml_feedback_delay_seconds_bucket" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "---\n---\n", "# nothing"])
def test_an_empty_file_is_refused(text: str) -> None:
    """A file without objectives is an error."""
    assert refusal(text) == "slo.yaml:1: has no document of kind SLO or Alerts"


def test_two_of_a_name_are_refused() -> None:
    """Names are unique, and there is one document of limits."""
    assert "two objectives named fast" in refusal(f"{GOOD}---\n{GOOD}")
    assert "make one of them" in refusal(f"{ALERTS}  gpu: false\n---\n{ALERTS}  gpu: false")


def test_limits_are_changed_and_parts_left_out() -> None:
    """A limit replaces the default, and `false` leaves a part out."""
    limits = parse_objectives(f"{ALERTS}  gpu: false\n  llm: {{costFactor: 5}}", "slo.yaml").limits
    assert "gpu" not in limits
    assert limits["llm"]["costFactor"] == 5
    assert limits["llm"]["minimumCost"] == LIMITS["llm"]["minimumCost"].default


def test_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with 2 and the error; an unreadable file is one, too."""
    path = tmp_path / "slo.yaml"
    path.write_text(GOOD.replace("target: 0.8", "target: 80"))
    assert main(["rules", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"{path}:11: ")
    assert main(["rules", str(tmp_path / "none.yaml")]) == 2
    assert "can't read" in capsys.readouterr().err


def test_command_writes_prints_and_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files are written, `--check` finds a changed one, and without a folder all is printed."""
    path, folder = tmp_path / "slo.yaml", tmp_path / "rules"
    path.write_text(GOOD)
    assert main(["rules", str(path), "--output", str(folder), "--runbooks", "https://example.org/runbooks/"]) == 0
    assert "https://example.org/runbooks/slo-budget-burn.md" in (folder / "slo.yaml").read_text()
    again = ["rules", str(path), "--output", str(folder), "--runbooks", "https://example.org/runbooks/", "--check"]
    assert main(again) == 0
    (folder / "gpu.yaml").write_text("")
    capsys.readouterr()
    assert main(again) == 1
    assert "gpu.yaml: differs" in capsys.readouterr().out
    assert main(["rules", str(path)]) == 0
    assert "name: slo-fast" in capsys.readouterr().out
