"""What the live check can find, under Weaver's ids where Weaver has one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple

Level = Literal["violation", "improvement", "information"]
SignalKind = Literal["span", "metric", "event"]

LEVELS: Final[tuple[Level, ...]] = ("violation", "improvement", "information")
"""From the worst to the mildest."""


class Rule(NamedTuple):
    """One kind of finding."""

    id: str
    level: Level
    sentence: str


# Under the ids of `weaver registry live-check` 0.28, at its levels; but `unexpected_attribute` is an improvement to
# Weaver, which cannot know that this registry is meant to be complete.
MISSING_METRIC: Final = Rule("missing_metric", "violation", "A metric is not declared.")
MISSING_EVENT: Final = Rule("missing_event", "violation", "An event is not declared.")
MISSING_ATTRIBUTE: Final = Rule("missing_attribute", "violation", "An attribute is not in the registry.")
UNEXPECTED_ATTRIBUTE: Final = Rule(
    "unexpected_attribute", "violation", "An attribute of the registry is on a signal that does not declare it."
)
MISSING_NAMESPACE: Final = Rule("missing_namespace", "improvement", "An unknown attribute has no namespace.")
INVALID_FORMAT: Final = Rule("invalid_format", "violation", "An unknown name does not follow the naming rules.")
ILLEGAL_NAMESPACE: Final = Rule(
    "illegal_namespace", "violation", "An unknown attribute has the name of an attribute as its namespace."
)
TYPE_MISMATCH: Final = Rule("type_mismatch", "violation", "An attribute has a value of another type than declared.")
UNDEFINED_ENUM_VARIANT: Final = Rule(
    "undefined_enum_variant", "information", "An enum attribute has a value that is not declared; enums are open."
)
REQUIRED_NOT_PRESENT: Final = Rule("required_attribute_not_present", "violation", "A required attribute is absent.")
CONDITIONALLY_REQUIRED_NOT_PRESENT: Final = Rule(
    "conditionally_required_attribute_not_present",
    "information",
    "A conditionally required attribute is absent: a violation where the condition can be checked and holds.",
)
RECOMMENDED_NOT_PRESENT: Final = Rule(
    "recommended_attribute_not_present", "improvement", "A recommended attribute is absent."
)
UNIT_MISMATCH: Final = Rule("unit_mismatch", "violation", "A metric has another unit than declared.")
UNEXPECTED_INSTRUMENT: Final = Rule(
    "unexpected_instrument", "violation", "A metric comes from another kind of instrument than declared."
)

# Ours: Weaver does not look at these.
MISSING_SPAN: Final = Rule("missing_span", "violation", "A span is of no declared type.")
UNEXPECTED_SPAN_NAME: Final = Rule(
    "unexpected_span_name", "violation", "A span's name does not follow the pattern of its type."
)
UNEXPECTED_SPAN_KIND: Final = Rule(
    "unexpected_span_kind", "violation", "A span has another kind than its type declares."
)
UNEXPECTED_SPAN_STATUS: Final = Rule(
    "unexpected_span_status",
    "violation",
    "A span has the status OK, which instrumentation never sets, or has an error type without the status ERROR.",
)
UNEXPECTED_TEMPORALITY: Final = Rule(
    "unexpected_temporality", "violation", "A metric has no temporality, or one that its instrument must not have."
)
UNEXPECTED_SEVERITY: Final = Rule("unexpected_severity", "violation", "An event is less severe than declared.")
OPT_IN_PRESENT: Final = Rule(
    "opt_in_attribute_present", "improvement", "A metric carries an opt-in attribute, which may have many values."
)
SCHEMA_URL_MISMATCH: Final = Rule(
    "schema_url_mismatch", "violation", "A scope does not carry the schema URL of the registry."
)

RULES: Final[tuple[Rule, ...]] = tuple(value for value in list(globals().values()) if isinstance(value, Rule))


@dataclass(frozen=True, slots=True)
class Finding:
    """One deviation of received telemetry from the registry."""

    id: str
    level: Level
    signal_kind: SignalKind
    signal_name: str
    message: str
    attribute: str | None = None
    value: Any = None

    def __str__(self) -> str:
        return f"{self.id}: {self.signal_kind} {self.signal_name}: {self.message}"


class Report:
    """Takes down the findings about one signal."""

    def __init__(self, kind: SignalKind, name: str) -> None:
        self.kind: SignalKind = kind
        self.name = name
        self.findings: list[Finding] = []

    def add(
        self, rule: Rule, message: str, *, attribute: str | None = None, value: Any = None, level: Level | None = None
    ) -> None:
        """Take down a finding, at the rule's own level unless another one is given."""
        self.findings.append(Finding(rule.id, level or rule.level, self.kind, self.name, message, attribute, value))


class Tally:
    """Findings that differ in their value only, counted together; bounded in number."""

    def __init__(self, capacity: int = 1000) -> None:
        self._capacity = capacity
        self._first: dict[tuple[str, ...], Finding] = {}
        self._counts: Counter[tuple[str, ...]] = Counter()
        self.by_level: Counter[Level] = Counter()
        self.dropped = 0

    def add(self, findings: Iterable[Finding]) -> None:
        """Count findings."""
        for finding in findings:
            self.by_level[finding.level] += 1
            key = (finding.id, finding.level, finding.signal_kind, finding.signal_name, finding.message)
            if key not in self._first:
                if len(self._first) >= self._capacity:
                    self.dropped += 1
                    continue
                self._first[key] = finding
            self._counts[key] += 1

    def groups(self, least: Level = "information") -> list[tuple[Finding, int]]:
        """The first finding of each group and the group's size: worst level first, then most frequent first."""
        wanted = LEVELS[: LEVELS.index(least) + 1]
        groups = [(finding, self._counts[key]) for key, finding in self._first.items() if finding.level in wanted]
        return sorted(groups, key=lambda group: (LEVELS.index(group[0].level), -group[1], str(group[0])))


def as_dict(finding: Finding, count: int = 1) -> dict[str, Any]:
    """A finding as plain JSON values."""
    return {**asdict(finding), "count": count}
