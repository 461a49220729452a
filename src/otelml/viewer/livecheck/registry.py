"""The resolved registry, as the live check reads it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from otelml.viewer.livecheck.findings import SignalKind
from otelml.viewer.livecheck.types import ENUM

_TEMPLATE = re.compile(r"template\[(.+)\]")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute as one signal, or the registry's root, declares it.

    Attributes:
        type: `string`, `int[]`, `any`..., or `enum`.
        is_template: whether `key` is the common start of the names of many attributes.
        members: the declared values of an enum.
        requirement: `required`, `conditionally_required`, `recommended` or `opt_in`.
        condition: the text of the condition or of the recommendation.
    """

    key: str
    type: str
    is_template: bool
    members: frozenset[str | int]
    requirement: str
    condition: str

    def covers(self, name: str) -> bool:
        """Whether this declaration is about an attribute of this name."""
        return name.startswith(self.key + ".") if self.is_template else name == self.key


@dataclass(frozen=True, slots=True)
class Signal:
    """A declared span type, metric or event.

    Attributes:
        planned: the date from which otelml is to emit it; empty if it is emitted.
        instrument: of a metric, None for others.
        unit: of a metric, None for others.
        span_kind: of a span in lower case, None for others.
        span_names: the patterns of a span's name, such as `{operation} {model}`, in the order of preference.
        operation_attribute: the attribute with the operation name, of a span.
        operations: the operation names that a span type is for.
        discriminator: the attribute that tells a span type from others for the same operation.
        severity: the least severity number of an event, 0 for others.
    """

    kind: SignalKind
    name: str
    attributes: Mapping[str, Attribute]
    planned: str = ""
    instrument: str | None = None
    unit: str | None = None
    span_kind: str | None = None
    span_names: tuple[str, ...] = ()
    operation_attribute: str | None = None
    operations: frozenset[str] = frozenset()
    discriminator: str | None = None
    severity: int = 0


@dataclass(frozen=True, slots=True)
class Registry:
    """Every declared name."""

    schema_url: str
    attributes: Mapping[str, Attribute]
    spans: Mapping[str, Signal]
    metrics: Mapping[str, Signal]
    events: Mapping[str, Signal]

    def signals(self) -> Iterator[Signal]:
        """Every declared signal."""
        yield from (*self.spans.values(), *self.metrics.values(), *self.events.values())


def find_attribute(declared: Mapping[str, Attribute], name: str) -> Attribute | None:
    """The declaration of an attribute, be it by its name or by a template."""
    exact = declared.get(name)
    if exact is not None and not exact.is_template:
        return exact
    return next((it for it in declared.values() if it.is_template and it.covers(name)), None)


@functools.cache
def installed_registry() -> Registry:
    """The registry that this version of otelml emits by."""
    return parse_registry(json.loads(files("otelml.semconv").joinpath("resolved.json").read_text("utf-8")))


def parse_registry(tree: Mapping[str, Any]) -> Registry:
    """Read a resolved registry, in the form of `otelml/semconv/resolved.json`."""
    declared = tree["attributes"]
    return Registry(
        schema_url=tree["schema_url"],
        attributes={key: _attribute(key, it, {}) for key, it in declared.items()},
        spans=_signals("span", tree["spans"], declared),
        metrics=_signals("metric", tree["metrics"], declared),
        events=_signals("event", tree["events"], declared),
    )


def _signals(kind: SignalKind, trees: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Signal]:
    return {
        name: Signal(
            kind,
            name,
            {key: _attribute(key, attributes[key], use) for key, use in tree["attributes"].items()},
            planned=tree["planned"] or "",
            instrument=tree.get("instrument"),
            unit=tree.get("unit"),
            span_kind=tree.get("kind"),
            span_names=tuple(tree.get("name_patterns", ())),
            operation_attribute=tree.get("operation_attribute"),
            operations=frozenset(tree.get("operations", ())),
            discriminator=tree.get("discriminator"),
            severity=tree.get("severity_number") or 0,
        )
        for name, tree in trees.items()
    }


def _attribute(key: str, tree: Mapping[str, Any], use: Mapping[str, Any]) -> Attribute:
    template = _TEMPLATE.fullmatch(tree["type"])
    members = tree.get("members", ())
    return Attribute(
        key=key,
        type=ENUM if members else template[1] if template else tree["type"],
        is_template=template is not None,
        members=frozenset(member["value"] for member in members),
        requirement=use.get("requirement_level", "recommended"),
        condition=use.get("condition", ""),
    )
