"""Reads a file of objectives, which is like OpenSLO's: documents of the kinds `SLO` and `Alerts`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from otelml.rules.burn import LONG_WINDOWS, BurnAlert, burn_alerts, largest_burn_rate, short_window
from otelml.rules.convention import attributes_of, planned_for, well_known_values
from otelml.rules.indicators import INDICATORS, Indicator
from otelml.rules.limits import Limits, default_limits, read_limits
from otelml.rules.naming import label_name
from otelml.rules.promql import quoted, seconds
from otelml.rules.rule import Severity
from otelml.rules.source import Field, SourceError, read_documents

API_VERSION = "otelml/v1"
PERIODS = ("7d", "14d", "28d", "30d", "90d")
DEFAULT_PERIOD = "28d"
DEFAULT_BAD_EVENTS = 3

# How like a known value an unknown one is, at least, to be taken for a misspelling of it.
_MISSPELT = 0.8
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Objective:
    """A service-level objective.

    Attributes:
        where: matchers that choose the series.
        target: the share of events that must be good.
        period: what the error budget is for, such as `28d`.
        minimum_events: events in an alert's long window below which it does not fire.
        minimum_bad_events: the same for bad events.
    """

    name: str
    description: str
    service: str
    indicator: str
    where: tuple[str, ...]
    threshold: float
    target: float
    period: str
    minimum_events: float
    minimum_bad_events: float
    alerts: tuple[BurnAlert, ...]


@dataclass(frozen=True, slots=True)
class Objectives:
    """What a file says: objectives, and the limits of the alerts beside them, by pack."""

    slos: tuple[Objective, ...]
    limits: Mapping[str, Limits]


def read_objectives(path: Path, *, planned: bool = False) -> Objectives:
    """Read a file of objectives.

    Args:
        path: the file.
        planned: whether objectives may rest on metrics that the convention declares and otelml does not emit yet.

    Raises:
        SourceError: the file has an error; the text says file, line and reason.
        OSError: it can't be read.
    """
    return parse_objectives(path.read_text("utf-8"), str(path), planned=planned)


def parse_objectives(text: str, file: str, *, planned: bool = False) -> Objectives:
    """Read the text of a file of objectives.

    Args:
        text: the content.
        file: what errors call it.
        planned: as in `read_objectives`.

    Raises:
        SourceError: the text has an error.
    """
    slos: dict[str, Objective] = {}
    limits: Mapping[str, Limits] | None = None
    for document in read_documents(text, file):
        entries = document.table(
            "a document", ("apiVersion", "kind", "metadata", "spec"), ("apiVersion", "kind", "spec")
        )
        entries["apiVersion"].choice("apiVersion", (API_VERSION,))
        if entries["kind"].choice("kind", ("SLO", "Alerts")) == "SLO":
            slo = _slo(document, entries, planned)
            if slo.name in slos:
                raise document.error(f"there are two objectives named {slo.name}")
            slos[slo.name] = slo
        elif limits is None:
            limits = read_limits(entries["spec"])
        else:
            raise document.error("there are two documents of kind Alerts; make one of them")
    if not slos and limits is None:
        raise SourceError(file, 1, "has no document of kind SLO or Alerts")
    return Objectives(tuple(slos.values()), default_limits() if limits is None else limits)


def _slo(document: Field, entries: Mapping[str, Field], planned: bool) -> Objective:
    if "metadata" not in entries:
        raise document.error("an SLO needs `metadata`")
    name = entries["metadata"].table("metadata", ("name",), ("name",))["name"]
    if not _NAME.fullmatch(name.text("metadata.name")):
        raise name.error("metadata.name must be lower case letters, digits and hyphens")
    known = ("description", "service", "indicator", "timeWindow", "objectives", "alerting")
    spec = entries["spec"].table("spec", known, ("service", "indicator", "objectives"))
    period = _period(spec.get("timeWindow"))
    target = _target(spec["objectives"])
    kind, where, threshold = _indicator(spec["indicator"], planned)
    floors, alerts = _alerting(spec.get("alerting"), target, period)
    if not alerts:
        raise spec["objectives"].error(
            f"a target of {target:g} can never be alerted on: at most {largest_burn_rate(target):.3g} times the error"
            " budget can be spent, which no alert asks for; set a higher target, or alerting.burnRates"
        )
    return Objective(
        name.text("metadata.name"),
        spec["description"].text("description") if "description" in spec else "",
        spec["service"].text("service"),
        kind,
        where,
        threshold,
        target,
        period,
        floors.get("minimumEvents", INDICATORS[kind].minimum_events),
        floors.get("minimumBadEvents", DEFAULT_BAD_EVENTS),
        alerts,
    )


def _period(field: Field | None) -> str:
    if field is None:
        return DEFAULT_PERIOD
    windows = field.items("timeWindow")
    window = windows[0].table("timeWindow", ("duration", "isRolling"), ("duration",))
    if len(windows) > 1:
        raise windows[1].error("an objective has one timeWindow")
    if "isRolling" in window and window["isRolling"].value is not True:
        raise window["isRolling"].error("isRolling must be true; calendar windows are not supported")
    return window["duration"].choice("duration", PERIODS)


def _target(field: Field) -> float:
    goals = field.items("objectives")
    if len(goals) > 1:
        raise goals[1].error("an SLO has one target; write a second SLO for the other")
    target = goals[0].table("objectives", ("target",), ("target",))["target"]
    value = target.number("target")
    if value == 1:
        raise target.error("a target of 1 leaves no error budget; its alerts would fire at the first bad event")
    if not 0 < value < 1:
        hint = f"; for {value:g}% write {value / 100:g}" if 1 < value < 100 else ""
        raise target.error(f"a target is a share above 0 and below 1, not {value:g}{hint}")
    return value


def _indicator(field: Field, planned: bool) -> tuple[str, tuple[str, ...], float]:
    entries = field.table("indicator", ("type", "threshold", "where"), ("type",))
    kind = entries["type"].choice("indicator.type", INDICATORS)
    indicator = INDICATORS[kind]
    for metric in indicator.metrics:
        if not planned and (date := planned_for(metric)):
            raise entries["type"].error(
                f"the indicator {kind} could never fire: otelml does not emit {metric.name} yet (planned for {date});"
                " `otelml rules --planned` makes its rules where a program of yours emits it"
            )
    where = _where(entries["where"], kind, indicator) if "where" in entries else ()
    return kind, where, _threshold(field, entries.get("threshold"), kind, indicator)


def _threshold(indicator_field: Field, field: Field | None, kind: str, indicator: Indicator) -> float:
    if not indicator.threshold:
        if field is not None:
            raise field.error(f"the indicator {kind} has no threshold")
        return 0.0
    if field is None:
        raise indicator_field.error(f"the indicator {kind} needs `threshold`: {indicator.threshold}")
    value = field.number("threshold")
    if value <= 0:
        raise field.error(f"threshold ({indicator.threshold}) must be above 0")
    bounds = getattr(indicator.histogram, "buckets", None)
    if bounds and value not in bounds:
        near = ", ".join(f"{it:g}" for it in sorted(sorted(bounds, key=lambda it: abs(it - value))[:2]))
        raise field.error(
            f"threshold {value:g} can't be told from the histogram, whose boundaries near it are {near}; take one of"
            " them"
        )
    return value


def _where(field: Field, kind: str, indicator: Indicator) -> tuple[str, ...]:
    known = frozenset.intersection(*map(attributes_of, indicator.metrics))
    matchers = []
    for key, entry in field.entries("where").items():
        if key not in known:
            have = ", ".join(sorted(known))
            raise entry.error(
                f"the metrics of the indicator {kind} have no attribute {key}, so nothing would ever match;"
                f" they have {have}"
            )
        if isinstance(entry.value, list):
            values = "|".join(re.escape(_value(item, key)) for item in entry.items(key))
            matchers.append(f"{label_name(key)}=~{quoted(values)}")
        else:
            matchers.append(f"{label_name(key)}={quoted(_value(entry, key))}")
    return tuple(matchers)


def _value(field: Field, key: str) -> str:
    """A value of an attribute; what looks like a misspelt one of the convention would never match."""
    value = field.text(key)
    known = well_known_values(key)
    if value not in known and (close := difflib.get_close_matches(value, known, n=1, cutoff=_MISSPELT)):
        raise field.error(f"nothing has {key} {value!r}, so nothing would ever match; did you mean `{close[0]}`?")
    return value


def _alerting(field: Field | None, target: float, period: str) -> tuple[dict[str, float], tuple[BurnAlert, ...]]:
    if field is None:
        return {}, burn_alerts(target, period)
    entries = field.table("alerting", ("minimumEvents", "minimumBadEvents", "burnRates"))
    floors = {}
    for name in ("minimumEvents", "minimumBadEvents"):
        if name in entries:
            floors[name] = entries[name].number(name)
            if floors[name] < 0:
                raise entries[name].error(f"{name} must not be negative")
    if "burnRates" not in entries:
        return floors, burn_alerts(target, period)
    steps = [_burn_rate(step, target, period) for step in entries["burnRates"].items("burnRates")]
    return floors, tuple(steps)


def _burn_rate(field: Field, target: float, period: str) -> BurnAlert:
    keys = ("severity", "window", "factor")
    entries = field.table("burnRates", keys, keys)
    severity = cast(Severity, entries["severity"].choice("severity", ("page", "ticket")))
    window = entries["window"].choice("window", LONG_WINDOWS)
    factor = entries["factor"].number("factor")
    largest = largest_burn_rate(target)
    if factor >= largest:
        raise entries["factor"].error(
            f"a burn rate of {factor:g} can never be exceeded: with a target of {target:g} it is at most"
            f" 1 / (1 - {target:g}) = {largest:.4g}"
        )
    if factor <= 0:
        raise entries["factor"].error("a burn rate must be above 0")
    return BurnAlert(severity, factor * seconds(window) / seconds(period), factor, window, short_window(window))
