"""Questions to the records of a store: sums and distributions over metric streams, a trace as a tree, events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from otelml.viewer.distribution import Distribution, merge
from otelml.viewer.records import LogRecord, Point, Span

Group = tuple[str, ...]


@dataclass(slots=True)
class SpanNode:
    """A span with the spans beneath it, in the order of their start."""

    span: Span
    children: list[SpanNode] = field(default_factory=list)


def totals(streams: Iterable[Point], *by: str) -> dict[Group, float]:
    """Sum the streams of a counter over processes and over all attributes but these.

    Returns:
        The sum for each combination of values; an attribute that a stream doesn't have has the value "".
    """
    sums: defaultdict[Group, float] = defaultdict(float)
    for stream in streams:
        if not isinstance(stream.value, Distribution):
            sums[attributes_of(stream, *by)] += stream.value
    return dict(sums)


def distributions(streams: Iterable[Point], *by: str) -> dict[Group, Distribution]:
    """Merge the streams of a histogram as `totals` does those of a counter."""
    parts: defaultdict[Group, list[Distribution]] = defaultdict(list)
    for stream in streams:
        if isinstance(stream.value, Distribution):
            parts[attributes_of(stream, *by)].append(stream.value)
    return {group: merge(of_group) for group, of_group in parts.items()}


def means(streams: Iterable[Point], *by: str) -> dict[Group, float]:
    """Return the mean over the streams of a gauge, by the values of these attributes."""
    values: defaultdict[Group, list[float]] = defaultdict(list)
    for stream in streams:
        if not isinstance(stream.value, Distribution):
            values[attributes_of(stream, *by)].append(stream.value)
    return {group: sum(of_group) / len(of_group) for group, of_group in values.items()}


def newest(streams: Iterable[Point], *by: str) -> dict[Group, float]:
    """Return the value of a gauge that was measured last, by the values of these attributes."""
    last: dict[Group, Point] = {}
    for stream in streams:
        group = attributes_of(stream, *by)
        if group not in last or stream.time_ns >= last[group].time_ns:
            last[group] = stream
    return {group: point.value for group, point in last.items() if not isinstance(point.value, Distribution)}


def trace_trees(spans: Sequence[Span]) -> list[SpanNode]:
    """Return the spans of a trace as trees: one, unless a parent is missing."""
    nodes = {span.span_id: SpanNode(span) for span in sorted(spans, key=lambda span: span.start_ns)}
    roots = []
    for node in nodes.values():
        parent = nodes.get(node.span.parent_id)
        if parent is None or parent is node:
            roots.append(node)
        else:
            parent.children.append(node)
    return roots


def events(records: Iterable[LogRecord], name: str) -> list[LogRecord]:
    """Return the events of this name."""
    return [record for record in records if record.event_name == name]


def attributes_of(stream: Point, *by: str) -> Group:
    """Return the values of these attributes of a stream; one that it doesn't have has the value ""."""
    return tuple(str(stream.attributes.get(name, "")) for name in by)
