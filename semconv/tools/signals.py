"""Rules about signals: units, stability, cardinality, types, and what tells one span type from another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from registry import Entity, Event, Metric, Registry, Signal, Span
from sources import UPSTREAM, Problem, Sources
from structure import STABILITIES

# UCUM, case-sensitive, base units only (OpenTelemetry's metric guidelines); braces are for counts and unitless values.
UNITS = ("1", "s", "By")
_ANNOTATION_UNIT = re.compile(r"^\{([A-Za-z]+(?:_[a-z]+)*)\}(?:/s)?$")
_PLACEHOLDER = re.compile(r"\{([^}]+)\}")
# So that the generated constant fits its line.
_LONGEST_METRIC_BRIEF = 100


def check_signals(sources: Sources, registry: Registry) -> list[Problem]:
    """Return every signal that breaks a rule, and what is defined and never used."""
    problems: list[Problem] = []
    for signal in registry.signals:
        problems.extend(Problem(signal.file, signal.name, message) for message in _signal(signal))
    problems.extend(_ambiguous_spans(list(registry.spans.values())))
    problems.extend(_orphans(registry))
    problems.extend(_unused_groups(sources))
    return problems


def _signal(signal: Signal) -> Iterator[str]:
    yield from _stability(signal)
    if not isinstance(signal, (Span, Event)):
        for use in signal.uses:
            if use.attribute.type in ("any", "template[any]"):
                yield f"{use.attribute.key} is of type any, which only spans and events may carry; leave it out"
    if isinstance(signal, Metric):
        yield from _unit(signal)
        yield from _cardinality(signal)
        if len(signal.brief) > _LONGEST_METRIC_BRIEF:
            yield f"brief is longer than {_LONGEST_METRIC_BRIEF} characters; move the rest to the note"
    elif isinstance(signal, Span):
        yield from _span(signal)
    elif isinstance(signal, Entity):
        for use in signal.uses:
            if use.attribute.key in signal.identity and use.level != "required":
                yield f"{use.attribute.key} identifies the entity, so it must be required"


def _stability(signal: Signal) -> Iterator[str]:
    for use in signal.uses:
        if use.level != "opt_in" and STABILITIES.index(signal.stability) > STABILITIES.index(use.attribute.stability):
            yield (
                f"is {signal.stability} but its attribute {use.attribute.key} is {use.attribute.stability};"
                " lower the signal or make the attribute opt_in"
            )


def _unit(metric: Metric) -> Iterator[str]:
    if metric.file == UPSTREAM:
        return  # what is pinned has the unit that upstream gave it
    annotation = _ANNOTATION_UNIT.match(metric.unit)
    if metric.unit not in UNITS and annotation is None:
        yield f"unit {metric.unit!r} is not one of {', '.join(UNITS)} or a word in braces; use one"
    if metric.unit == "1" and not metric.brief.startswith(("Fraction of", "Share of")):
        yield "unit `1` is for fractions, whose brief starts with `Fraction of` or `Share of`; use a word in braces"
    if annotation and annotation[1].endswith("s") and not annotation[1].endswith(("ss", "us")):
        yield f"unit {metric.unit!r} must be singular"
    if metric.instrument == "counter" and metric.unit == "1":
        yield "a counter counts things; use a word in braces as its unit"


def _cardinality(metric: Metric) -> Iterator[str]:
    for use in metric.uses:
        key = use.attribute.key
        if use.attribute.cardinality == "unbounded":
            yield f"{key} has unbounded cardinality and must not be on a metric; remove it"
        elif use.attribute.cardinality == "high" and use.level != "opt_in":
            yield f"{key} has high cardinality, so on a metric it must be opt_in, not {use.level}"


def _span(span: Span) -> Iterator[str]:
    uses = {use.attribute.key: use for use in span.uses}
    for key in sorted({key for pattern in span.name_patterns for key in _PLACEHOLDER.findall(pattern)}):
        if key not in uses:
            yield f"its name refers to {key}, which is not among its attributes; add it or correct the name"
    operation = uses.get(span.operation_attribute)
    if operation is None or operation.level != "required":
        yield f"{span.operation_attribute} must be among its attributes, as required"
        return
    known = {member.value for member in operation.attribute.members}
    for value in span.operations:
        if value not in known:
            yield f"annotations.live_check.operations: {value} is not a value of {span.operation_attribute}"
    if span.discriminator and (span.discriminator not in uses or uses[span.discriminator].level != "required"):
        yield f"annotations.live_check.discriminator: {span.discriminator} must be a required attribute of the span"


def _ambiguous_spans(spans: list[Span]) -> Iterator[Problem]:
    """The type of a span is not on the wire: kind, operation and discriminator must tell it."""
    for one, other in combinations(spans, 2):
        shared = set(one.operations) & set(other.operations)
        same = (one.kind, one.operation_attribute, one.discriminator) == (
            other.kind,
            other.operation_attribute,
            other.discriminator,
        )
        if shared and same:
            yield Problem(
                other.file,
                other.name,
                f"cannot be told from {one.name} for the operation {min(shared)};"
                " add annotations.live_check.discriminator, a required attribute that only one of them has",
            )


def _orphans(registry: Registry) -> Iterator[Problem]:
    used = {use.attribute.key for signal in registry.signals for use in signal.uses}
    for key, attribute in registry.attributes.items():
        if attribute.own and key not in used:
            yield Problem(attribute.file, key, "is used by no signal and no entity; use it or remove it")


def _unused_groups(sources: Sources) -> Iterator[Problem]:
    used = {
        reference.get("ref_group")
        for item in sources.items
        for field in ("attributes", "identity", "description")
        for reference in (item.data.get(field, ()) if item.kind != "attributes" else ())
    }
    for item in sources.of("attribute_groups"):
        if item.name not in used and item.data["visibility"] == "internal":
            yield item.problem("is an internal group that nothing uses; use it or remove it")
