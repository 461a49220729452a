"""The rules themselves: recordings and alerts, and their form in a file of Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["page", "ticket"]


@dataclass(frozen=True, slots=True)
class Recording:
    """A query whose result is kept as series of their own."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def entry(self) -> dict[str, object]:
        """Return the rule as Prometheus reads it."""
        entry: dict[str, object] = {"record": self.name, "expr": self.expression}
        return {**entry, "labels": dict(self.labels)} if self.labels else entry


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that someone has to know of.

    Attributes:
        severity: `page` wakes somebody up, `ticket` is for working hours.
        summary: one sentence that says what is wrong; may use `$labels` and `$value`.
        first_look: what to look at first, in a sentence.
        runbook: the name of its page in `collector-config/runbooks/`, without the ending.
        wait: how long the condition must hold.
    """

    name: str
    expression: str
    severity: Severity
    summary: str
    first_look: str
    runbook: str
    wait: str = "0m"
    labels: Mapping[str, str] = field(default_factory=dict)

    def entry(self, runbooks: str) -> dict[str, object]:
        """Return the rule as Prometheus reads it; `runbooks` is where the pages are."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.wait,
            "labels": {"severity": self.severity, **self.labels},
            "annotations": {
                "summary": self.summary,
                "first_look": self.first_look,
                "runbook_url": f"{runbooks.rstrip('/')}/{self.runbook}.md",
            },
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, one after the other."""

    name: str
    rules: tuple[Recording | Alert, ...]
    interval: str = "1m"

    def entry(self, runbooks: str) -> dict[str, object]:
        """Return the group as Prometheus reads it."""
        rules = [rule.entry(runbooks) if isinstance(rule, Alert) else rule.entry() for rule in self.rules]
        return {"name": self.name, "interval": self.interval, "rules": rules}
