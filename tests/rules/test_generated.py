"""The rules in the repository: current, about names that something emits, and with everything an alert needs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from otelml.rules import read_objectives, rule_files
from otelml.rules.convention import planned_for
from otelml.rules.generation import PACKS
from otelml.rules.indicators import INDICATORS
from otelml.rules.limits import LIMITS
from tests.rules.names import unknown_labels, unknown_names
from tests.rules.programs import ROOT, program

CONFIG = ROOT / "collector-config"
OBJECTIVES = CONFIG / "prometheus" / "slo.yaml"
PLANNED = CONFIG / "prometheus" / "slo-planned.yaml"
RULES = CONFIG / "prometheus" / "rules"
RUNBOOKS = CONFIG / "runbooks"


def rules() -> Iterator[dict[str, Any]]:
    """Every rule of every file."""
    for path in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def test_rules_are_what_the_objectives_say() -> None:
    """The files are generated; none is missing, changed or left over."""
    expected = {file.name: file.text() for file in rule_files(read_objectives(OBJECTIVES))}
    assert {path.name: path.read_text() for path in RULES.iterdir()} == expected


def test_every_indicator_and_every_part_is_in_the_example() -> None:
    """The example has the indicators whose metrics are emitted, a file beside it the others; each part has alerts."""
    planned = {name for name, it in INDICATORS.items() if any(map(planned_for, it.metrics))}
    assert {slo.indicator for slo in read_objectives(OBJECTIVES).slos} == set(INDICATORS) - planned
    assert {slo.indicator for slo in read_objectives(PLANNED, planned=True).slos} == planned
    assert {path.stem for path in RULES.iterdir()} == {*PACKS, "slo"}


def test_rules_read_what_something_emits() -> None:
    """Every name in a rule is a metric of the convention or the Collector, or recorded; so are labels."""
    expressions = [rule["expr"] for rule in rules()]
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert {name for text in expressions for name in unknown_names(text, recorded)} == set()
    assert {name for text in expressions for name in unknown_labels(text)} == set()


@pytest.mark.parametrize("name", ALERTS)
def test_alerts_say_what_to_do(name: str) -> None:
    """An alert has a summary, what to look at first, a severity, and a runbook page that is about it."""
    rule = ALERTS[name]
    assert set(rule["annotations"]) == {"summary", "first_look", "runbook_url"}
    assert all(len(text) > 20 for text in rule["annotations"].values())
    assert rule["labels"]["severity"] in ("page", "ticket")
    page = (RUNBOOKS / Path(rule["annotations"]["runbook_url"]).name).read_text()
    assert page.startswith(f"# {name}\n")
    for heading in ("## What it means", "## Look first at", "## Causes", "## When it is over"):
        assert heading in page


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_tested_both_ways(name: str) -> None:
    """Some test has the alert fire, and some has it silent."""
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_alerts_*.py"))
    quoted = "slo.ALERT" if name == "SloBudgetBurn" else f'"{name}"'
    assert re.search(rf"{quoted},\s*[1-9]", sources)
    assert re.search(rf"{quoted},\s*0", sources)


def test_no_runbook_is_left_over() -> None:
    """Each page belongs to an alert."""
    wanted = {Path(rule["annotations"]["runbook_url"]).name for rule in ALERTS.values()}
    assert {path.name for path in RUNBOOKS.glob("*.md")} == {*wanted, "README.md"}


def test_promtool_accepts_the_files() -> None:
    """Prometheus' own check finds nothing."""
    paths = sorted(map(str, RULES.glob("*.yaml")))
    done = subprocess.run([program("promtool"), "check", "rules", *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "FAILED" not in done.stdout


def test_vmalert_accepts_the_files() -> None:
    """So does vmalert."""
    paths = [f"-rule={path}" for path in RULES.glob("*.yaml")]
    done = subprocess.run([program("vmalert"), "-dryRun", *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_of_the_documentation_has_everything() -> None:
    """Each indicator and each limit, with its default and its meaning, is in docs/alerting.md."""
    page = (ROOT / "docs" / "alerting.md").read_text()
    for pack, limits in LIMITS.items():
        for name, limit in limits.items():
            assert f"| `{pack}.{name}` | {limit.default:g} | {limit.meaning} |" in page
    assert all(f"| `{name}` |" in page for name in INDICATORS)
