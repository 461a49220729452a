"""Follows references and expands groups: sources -> registry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from registry import Attribute, Entity, Event, Member, Metric, Registry, Span, Use
from sources import SIGNAL_KINDS, UPSTREAM, Item, Problem, Sources

# The page that documents the metrics and events pinned from an upstream registry.
_AREAS = {"core": "device", "gen_ai": "gen-ai"}
_BACKTICKS = re.compile(r"`([^`]+)`")


def resolve(sources: Sources) -> tuple[Registry, list[Problem]]:
    """Return the resolved registry, and the references that lead nowhere."""
    resolver = _Resolver(sources)
    return resolver.registry, resolver.problems


class _Resolver:
    def __init__(self, sources: Sources) -> None:
        self.problems: list[Problem] = []
        self._groups: dict[str, Item] = {}
        self._planned = {
            (kind, name): str(entry.get("planned", ""))
            for entry in sources.planned
            for kind in SIGNAL_KINDS
            for name in entry.get(kind, ())
        }
        self.registry = Registry(schema_url=str(sources.manifest["schema_url"]))
        for group in sources.of("attribute_groups"):
            self._keep(group, self._groups, group)
        self._attributes(sources)
        upstream_spans = {span["type"]: span for span in sources.upstream.get("spans", ())}
        self._pinned_signals(sources.upstream)
        for item in sources.items:
            if item.kind == "spans":
                self._keep(item, self.registry.spans, self._span(item))
            elif item.kind == "metrics":
                self._keep(item, self.registry.metrics, self._metric(item))
            elif item.kind == "events":
                self._keep(item, self.registry.events, self._event(item))
            elif item.kind == "entities":
                self._keep(item, self.registry.entities, self._entity(item))
            elif item.kind == "span_refinements":
                if item.data["ref"] in upstream_spans:
                    self._keep(item, self.registry.spans, self._refinement(item, upstream_spans[item.data["ref"]]))
                else:
                    self._report(item, f"refines {item.data['ref']}, which is not pinned; add it to {UPSTREAM}")

    def _report(self, item: Item, message: str) -> None:
        self.problems.append(item.problem(message))

    def _keep(self, item: Item, into: dict[str, Any], value: Any) -> None:
        if item.name in into:
            self._report(item, f"is also defined in {into[item.name].file}; rename or remove one")
        else:
            into[item.name] = value

    def _attributes(self, sources: Sources) -> None:
        for item in sources.of("attributes"):
            data = item.data
            attribute = Attribute(
                key=item.name,
                type=_type(data["type"]),
                members=_members(data["type"]),
                stability=data["stability"],
                brief=data["brief"],
                note=data.get("note", ""),
                examples=tuple(data.get("examples", ())),
                cardinality=data["annotations"]["cardinality"],
                source="own",
                upstream_name=_upstream_name(data),
                area=item.area,
                file=item.file,
            )
            self._keep(item, self.registry.attributes, attribute)
        for pin in sources.upstream.get("attributes", ()):
            if pin["key"] in self.registry.attributes:
                self.problems.append(Problem(UPSTREAM, pin["key"], "is defined twice; remove one definition"))
                continue
            self.registry.attributes[pin["key"]] = Attribute(
                key=pin["key"],
                type=_type(pin["type"]),
                members=_members(pin["type"]),
                stability=pin["stability"],
                brief="",
                note="",
                examples=(),
                cardinality=pin["cardinality"],
                source=pin["registry"],
                upstream_name="",
                area="upstream",
                file=UPSTREAM,
            )

    def _pinned_signals(self, upstream: dict[str, Any]) -> None:
        """Take over the upstream metrics and events that otelml emits as they are; spans are refined instead."""
        for pin in upstream.get("metrics", ()):
            buckets = pin.get("bucket_boundaries")
            self.registry.metrics[pin["name"]] = Metric(
                **self._pinned(pin, "metrics"),
                instrument=pin["instrument"],
                unit=pin["unit"],
                value_type=pin["value_type"],
                buckets=None if buckets is None else tuple(float(boundary) for boundary in buckets),
            )
        for pin in upstream.get("events", ()):
            self.registry.events[pin["name"]] = Event(
                **self._pinned(pin, "events"), severity_number=pin["severity_number"]
            )

    def _pinned(self, pin: dict[str, Any], kind: str) -> dict[str, Any]:
        return {
            "name": pin["name"],
            "file": UPSTREAM,
            "area": _AREAS[pin["registry"]],
            "brief": pin["brief"],
            "note": "",
            "stability": pin["stability"],
            "level": "recommended",
            "uses": tuple(Use(self.registry.attributes[key], level) for key, level in pin["attributes"].items()),
            "planned": self._planned.get((kind, pin["name"]), ""),
            "upstream_name": "",
        }

    def _common(self, item: Item, kind: str, uses: tuple[Use, ...]) -> dict[str, Any]:
        return {
            "name": item.name,
            "file": item.file,
            "area": item.area,
            "brief": item.data["brief"],
            "note": item.data.get("note", ""),
            "stability": item.data["stability"],
            "level": item.data.get("requirement_level", "recommended"),
            "uses": uses,
            "planned": self._planned.get((kind, item.name), ""),
            "upstream_name": _upstream_name(item.data),
        }

    def _span(self, item: Item) -> Span:
        note = item.data["name"]["note"]
        live = item.data["annotations"]["live_check"]
        return Span(
            **self._common(item, "spans", self._uses(item, "attributes")),
            kind=item.data["kind"],
            name_note=note,
            name_patterns=_patterns(note),
            operation_attribute=live.get("operation_attribute", "ml.operation.name"),
            operations=tuple(live["operations"]),
            discriminator=live.get("discriminator", ""),
        )

    def _refinement(self, item: Item, base: dict[str, Any]) -> Span:
        uses = {key: Use(self.registry.attributes[key], level) for key, level in base["attributes"].items()}
        uses |= {use.attribute.key: use for use in self._uses(item, "attributes")}
        return Span(
            **self._common(item, "spans", tuple(uses.values())),
            kind=base["kind"],
            name_note=base["name"],
            name_patterns=_patterns(base["name"]),
            operation_attribute=base["operation_attribute"],
            operations=tuple(base["operations"]),
            discriminator="",
            refines=base["type"],
        )

    def _metric(self, item: Item) -> Metric:
        generation = item.data["annotations"]["code_generation"]
        buckets = generation.get("bucket_boundaries")
        return Metric(
            **self._common(item, "metrics", self._uses(item, "attributes")),
            instrument=item.data["instrument"],
            unit=str(item.data["unit"]),
            value_type=generation["metric_value_type"],
            buckets=None if buckets is None else tuple(float(boundary) for boundary in buckets),
        )

    def _event(self, item: Item) -> Event:
        return Event(
            **self._common(item, "events", self._uses(item, "attributes")),
            severity_number=item.data["annotations"]["code_generation"]["severity_number"],
        )

    def _entity(self, item: Item) -> Entity:
        identity = self._uses(item, "identity")
        return Entity(
            **self._common(item, "entities", (*identity, *self._uses(item, "description"))),
            identity=tuple(use.attribute.key for use in identity),
        )

    def _uses(self, item: Item, field: str) -> tuple[Use, ...]:
        """Expand groups; a reference written on the signal itself wins over one from a group."""
        uses: dict[str, Use] = {}
        from_group: dict[str, str] = {}
        inline: set[str] = set()
        for group, reference in self._references(item, item.data.get(field, ())):
            key = reference["ref"]
            if key not in self.registry.attributes:
                self._report(
                    item,
                    f"refers to {key}, which is neither defined here nor pinned; define it or add it to {UPSTREAM}",
                )
                continue
            if group and key in from_group and from_group[key] != group:
                self._report(item, f"takes {key} from two groups, {from_group[key]} and {group}; take it from one")
            if not group and key in inline:
                self._report(item, f"refers to {key} twice; remove one reference")
            if group:
                from_group[key] = group
                if key in inline:
                    continue
            else:
                inline.add(key)
            uses[key] = _use(self.registry.attributes[key], reference)
        return tuple(uses.values())

    def _references(self, item: Item, references: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        for reference in references:
            if "ref" in reference:
                yield "", reference
            elif reference["ref_group"] in self._groups:
                group = self._groups[reference["ref_group"]]
                for nested in group.data["attributes"]:
                    yield group.name, nested
            else:
                self._report(
                    item, f"refers to the group {reference['ref_group']}, which does not exist; correct the name"
                )


def _use(attribute: Attribute, reference: dict[str, Any]) -> Use:
    level = reference["requirement_level"]
    name, condition = next(iter(level.items())) if isinstance(level, dict) else (level, "")
    return Use(attribute, name, condition, bool(reference.get("sampling_relevant", False)))


def _type(kind: Any) -> str:
    return "string" if isinstance(kind, dict) else str(kind)


def _members(kind: Any) -> tuple[Member, ...]:
    if not isinstance(kind, dict):
        return ()
    return tuple(Member(member["id"], member["value"], member.get("brief", "")) for member in kind["members"])


def _patterns(note: str) -> tuple[str, ...]:
    return tuple(_BACKTICKS.findall(note))


def _upstream_name(data: dict[str, Any]) -> str:
    return str(data.get("annotations", {}).get("ml_proposal", {}).get("upstream_name", ""))
