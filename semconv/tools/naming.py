"""Rules about names: form, namespaces, and the Python constants made from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from registry import Attribute, Metric, Registry, Signal
from sources import UPSTREAM, Problem
from spelling import constant_name, enum_class_name

ROOT = "ml."
_NAME = re.compile(r"^[a-z][a-z0-9]*([._][a-z0-9]+)*$")
_VALUE = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")


def check_names(registry: Registry) -> list[Problem]:
    """Return every name that breaks OpenTelemetry's naming rules or cannot become a constant."""
    attributes = registry.attributes.values()
    return [
        *(problem for attribute in attributes for problem in _attribute(attribute)),
        *(
            problem
            for signal in registry.signals
            for problem in _form(signal.file, signal.name, own=signal.file != UPSTREAM)
        ),
        *_namespaces(((a.file, a.key) for a in attributes if not a.type.startswith("template[")), "attribute"),
        *_namespaces(((metric.file, metric.name) for metric in registry.metrics.values()), "metric"),
        *_unique(((a.file, a.key) for a in attributes), constant_name, "constant"),
        *_unique(((a.file, a.key) for a in attributes if a.members), enum_class_name, "class of values"),
        *_signal_constants(registry),
        *(problem for span in registry.spans.values() for problem in _span_type(span, span.kind)),
        *(problem for metric in registry.metrics.values() for problem in _metric(metric)),
    ]


def _form(file: str, name: str, own: bool) -> Iterator[Problem]:
    if not _NAME.match(name):
        yield Problem(file, name, "must be lower case, snake_case words joined by dots; rename it")
    if own and not name.startswith(ROOT):
        yield Problem(file, name, f"must start with `{ROOT}`; other namespaces belong to others")


def _attribute(attribute: Attribute) -> Iterator[Problem]:
    yield from _form(attribute.file, attribute.key, attribute.own)
    if not attribute.own:
        return
    for member in attribute.members:
        if not (_VALUE.match(member.id) and _VALUE.match(member.value)):
            yield Problem(attribute.file, attribute.key, f"enum member {member.id!r} must be snake_case; rename it")


def _namespaces(names: Iterable[tuple[str, str]], kind: str) -> Iterator[Problem]:
    known = dict((name, file) for file, name in names)
    for name, file in known.items():
        parts = name.split(".")
        for length in range(1, len(parts)):
            parent = ".".join(parts[:length])
            if parent in known:
                yield Problem(
                    file, name, f"uses the {kind} {parent} ({known[parent]}) as a namespace; rename one of the two"
                )


def _unique(names: Iterable[tuple[str, str]], spell: Callable[[str], str], what: str) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for file, name in names:
        other = taken.setdefault(spell(name), name)
        if other != name:
            yield Problem(file, name, f"shares the {what} {spell(name)} with {other}; rename one of the two")


def _signal_constants(registry: Registry) -> Iterator[Problem]:
    groups: tuple[Iterable[Signal], ...] = (
        registry.spans.values(),
        registry.metrics.values(),
        registry.events.values(),
        registry.entities.values(),
    )
    for signals in groups:
        yield from _unique(((signal.file, signal.name) for signal in signals), constant_name, "constant")


def _span_type(span: Signal, kind: str) -> Iterator[Problem]:
    if not span.name.endswith(f".{kind}"):
        yield Problem(span.file, span.name, f"must end with its kind, `.{kind}`; rename it or correct the kind")


def _metric(metric: Metric) -> Iterator[Problem]:
    last = metric.name.split(".")[-1]
    say = _saying(metric)
    if last == "total" or last.endswith("_total"):
        yield say("must not end with `total`, which exporters append; rename it")
    if metric.instrument == "counter":
        if metric.unit.startswith("{") and not last.endswith("s"):
            yield say("counts things, so its last word must be a plural; rename it")
        if metric.unit == "s" and last != "time":
            yield say("is a counter of seconds, which must be called `time`; rename it")
    elif last == "time":
        yield say("is called `time`, which is for counters of seconds; rename it or use a counter")
    if last == "duration" and (metric.instrument, metric.unit) != ("histogram", "s"):
        yield say("is called `duration`, which is for histograms in seconds; rename it")
    if metric.instrument == "updowncounter" and last.endswith("s") and last != "status":
        yield say("is an updowncounter, whose last word must not be a plural; rename it")


def _saying(metric: Metric) -> Callable[[str], Problem]:
    return lambda message: Problem(metric.file, metric.name, message)


def check_pinned_names(registry: Registry, installed: frozenset[str], newer: frozenset[str]) -> list[Problem]:
    """Compare the pinned upstream keys with those of the installed opentelemetry-semantic-conventions."""
    return [
        Problem(UPSTREAM, key, "is unknown to the installed opentelemetry-semantic-conventions; correct the key")
        for key, attribute in registry.attributes.items()
        if not attribute.own and key not in installed and key not in newer
    ]
