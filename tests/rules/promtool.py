"""Runs rules on made-up series with `promtool test rules`, and says what was found instead of what was expected."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from otelml.rules.naming import label_name
from otelml.rules.promql import Series, quoted
from otelml.rules.rule import Group
from tests.rules.programs import program

Made = tuple[str, str]
"""A series, and its values a minute in promtool's notation."""


@dataclass(frozen=True)
class Case:
    """Series, and how many alerts of a name fire at a minute.

    Attributes:
        alert: the name, and more matchers for ALERTS where it is not enough.
        fires: the number of firing alerts; 0 for a case in which it must be silent.
    """

    name: str
    alert: str
    fires: int
    at: int
    series: Sequence[Made]
    matchers: str = ""

    def as_test(self) -> dict[str, object]:
        """The test group of promtool."""
        query = f'count(ALERTS{{alertname="{self.alert}",alertstate="firing"{self.matchers}}})'
        samples = [{"labels": "{}", "value": self.fires}] if self.fires else []
        return {
            "name": self.name,
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in self.series],
            "promql_expr_test": [{"expr": query, "eval_time": f"{self.at}m", "exp_samples": samples}],
        }


@dataclass(frozen=True)
class Holds:
    """Series, and a query that must have the value 1 at a minute."""

    name: str
    query: str
    at: int
    series: Sequence[Made]

    def as_test(self) -> dict[str, object]:
        """The test group of promtool."""
        return {
            "name": self.name,
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in self.series],
            "promql_expr_test": [
                {"expr": self.query, "eval_time": f"{self.at}m", "exp_samples": [{"labels": "{}", "value": 1}]}
            ],
        }


def made(series: Series, attributes: Mapping[str, str], values: str, **more: str) -> Made:
    """A series of a metric with these attributes, and labels that are no attributes."""
    labels = {label_name(key): value for key, value in attributes.items()} | more
    return str(series.matching(f"{name}={quoted(value)}" for name, value in labels.items())), values


def counter(*parts: tuple[int, float]) -> str:
    """A counter that grows in each part for so many minutes by so much a minute, from 0."""
    text, total = [], 0.0
    for minutes, step in parts:
        text.append(f"{total:g}+{step:g}x{minutes - 1}")
        total += step * minutes
    return " ".join(text)


def gauge(*parts: tuple[int, float]) -> str:
    """A gauge that has in each part for so many minutes one value."""
    return " ".join(f"{value:g}x{minutes - 1}" for minutes, value in parts)


def missing(minutes: int) -> str:
    """No points for so many minutes."""
    return f"_x{minutes - 1}"


def run(folder: Path, groups: Iterable[Group], cases: Sequence[Case | Holds], every: str = "1m") -> None:
    """Run the cases against the groups, evaluated so often; an AssertionError has what promtool says."""
    promtool = program("promtool")
    groups = list(groups)
    rules = folder / "rules.yaml"
    rules.write_text(yaml.safe_dump({"groups": [group.entry("runbooks") for group in groups]}))
    tests = folder / "tests.yaml"
    tree = {
        "rule_files": [str(rules)],
        "evaluation_interval": every,
        "group_eval_order": [group.name for group in groups],
        "tests": [case.as_test() for case in cases],
    }
    tests.write_text(yaml.safe_dump(tree, sort_keys=False, width=10**6))
    done = subprocess.run([promtool, "test", "rules", str(tests)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
