"""Checks the files beside the model: the pinned upstream names and the list of planned signals."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import date
from typing import Any

from registry import Registry
from sources import PLANNED, SIGNAL_KINDS, UPSTREAM, Problem, Sources
from structure import CARDINALITIES, REQUIREMENT_LEVELS, SPAN_KINDS, STABILITIES, TYPES

_PIN = {"key", "type", "stability", "registry", "cardinality"}
_METRIC_PIN = {"name", "instrument", "unit", "value_type", "stability", "registry", "brief", "attributes"}
_EVENT_PIN = {"name", "severity_number", "stability", "registry", "brief", "attributes"}
_SPAN_PIN = {"type", "kind", "stability", "registry", "name", "operation_attribute", "operations", "attributes"}


def check_pins(sources: Sources) -> list[Problem]:
    """Return every fault of `upstream.yaml`'s shape; references cannot be followed while there is one."""
    upstream = sources.upstream
    registries = upstream.get("registries")
    if not isinstance(registries, dict) or not {"core", "gen_ai"} <= registries.keys():
        return [Problem(UPSTREAM, "registries", "must hold `core` and `gen_ai`")]
    problems = list(_dependencies(registries, sources.manifest.get("dependencies")))
    pins = upstream.get("attributes") or []
    signals = [signal for kind in ("spans", "metrics", "events") for signal in upstream.get(kind) or ()]
    if not all(isinstance(pin, dict) for pin in (*pins, *signals)):
        return [*problems, Problem(UPSTREAM, "file", "`attributes`, `spans`... must be lists of mappings")]
    for pin in pins:
        problems.extend(Problem(UPSTREAM, str(pin.get("key")), message) for message in _pin(pin, registries))
    keys = {pin.get("key") for pin in pins}
    for span in upstream.get("spans") or []:
        problems.extend(Problem(UPSTREAM, str(span.get("type")), message) for message in _span(span, keys))
    for kind, expected in (("metrics", _METRIC_PIN), ("events", _EVENT_PIN)):
        for signal in upstream.get(kind) or []:
            found = _shape(signal, expected, keys)
            problems.extend(Problem(UPSTREAM, str(signal.get("name")), message) for message in found)
    return problems


def check_planned(sources: Sources, registry: Registry) -> list[Problem]:
    """Return entries of `planned.yaml` that name no signal, name one twice or have no date."""
    problems: list[Problem] = []
    seen: set[tuple[str, str]] = set()
    for entry in sources.planned:
        part = str(entry.get("part", "entry without `part`"))
        if not isinstance(entry.get("planned"), date):
            problems.append(Problem(PLANNED, part, "`planned` must be a date such as 2027-03-31"))
        for key in sorted(entry.keys() - {"part", "planned", *SIGNAL_KINDS}):
            problems.append(Problem(PLANNED, part, f"`{key}` is not allowed here; remove it or correct its spelling"))
        for kind in SIGNAL_KINDS:
            for name in entry.get(kind, ()):
                if name not in getattr(registry, kind):
                    problems.append(Problem(PLANNED, name, f"is not among the declared {kind}; correct or remove it"))
                if (kind, name) in seen:
                    problems.append(Problem(PLANNED, name, "is listed twice; remove one"))
                seen.add((kind, name))
    return problems


def installed_names() -> frozenset[str]:
    """Return the attribute keys of the installed opentelemetry-semantic-conventions; empty if it is not installed."""
    names: set[str] = set()
    for package in ("opentelemetry.semconv.attributes", "opentelemetry.semconv._incubating.attributes"):
        try:
            module = importlib.import_module(package)
        except ModuleNotFoundError:
            continue
        for found in pkgutil.iter_modules(module.__path__, f"{package}."):
            constants = vars(importlib.import_module(found.name))
            names.update(value for name, value in constants.items() if name.isupper() and isinstance(value, str))
    return frozenset(names)


def _dependencies(registries: dict[str, Any], dependencies: Any) -> Iterator[Problem]:
    declared = {dependency["schema_url"] for dependency in dependencies or ()}
    for name, registry in registries.items():
        for key in ("schema_url", "version"):
            if not registry.get(key):
                yield Problem(UPSTREAM, name, f"`{key}` is missing; add it")
        if registry.get("schema_url") not in declared:
            yield Problem(UPSTREAM, name, "its schema_url is not among the manifest's dependencies; make them equal")


def _pin(pin: dict[str, Any], registries: dict[str, Any]) -> Iterator[str]:
    if pin.keys() != _PIN:
        yield f"must have exactly the keys {', '.join(sorted(_PIN))}"
        return
    if pin["registry"] not in registries:
        yield f"registry {pin['registry']!r} is not listed under `registries`"
    if pin["stability"] not in STABILITIES:
        yield f"stability {pin['stability']!r} is unknown; use one of: {', '.join(STABILITIES)}"
    if pin["cardinality"] not in CARDINALITIES:
        yield f"cardinality {pin['cardinality']!r} is unknown; use one of: {', '.join(CARDINALITIES)}"
    if not isinstance(pin["type"], dict) and pin["type"] not in TYPES:
        yield f"type {pin['type']!r} is unknown"


def _span(span: dict[str, Any], keys: set[Any]) -> Iterator[str]:
    yield from _shape(span, _SPAN_PIN, keys)
    if span.get("kind") not in SPAN_KINDS:
        yield f"kind {span.get('kind')!r} is unknown; use one of: {', '.join(SPAN_KINDS)}"


def _shape(signal: dict[str, Any], expected: set[str], keys: set[Any]) -> Iterator[str]:
    if signal.keys() - {"bucket_boundaries"} != expected:
        yield f"must have exactly the keys {', '.join(sorted(expected))}"
        return
    for key, level in signal["attributes"].items():
        if key not in keys:
            yield f"{key} is not pinned; add it to `attributes`"
        if level not in REQUIREMENT_LEVELS:
            yield f"{key}: requirement level {level!r} is unknown; use one of: {', '.join(REQUIREMENT_LEVELS)}"
