"""The resolved registry: every reference followed, every group expanded."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Member:
    """One well-known value of an enum attribute."""

    id: str
    value: str
    brief: str


@dataclass(frozen=True)
class Attribute:
    """An attribute, our own or a pinned upstream one."""

    key: str
    type: str
    members: tuple[Member, ...]
    stability: str
    brief: str
    note: str
    examples: tuple[object, ...]
    cardinality: str
    source: str
    upstream_name: str
    area: str
    file: str

    @property
    def own(self) -> bool:
        """Whether this registry defines the attribute."""
        return self.source == "own"


@dataclass(frozen=True)
class Use:
    """An attribute on a signal."""

    attribute: Attribute
    level: str
    condition: str = ""
    sampling_relevant: bool = False


@dataclass(frozen=True)
class Signal:
    """What spans, metrics, events and entities share."""

    name: str
    file: str
    area: str
    brief: str
    note: str
    stability: str
    level: str
    uses: tuple[Use, ...]
    planned: str
    upstream_name: str


@dataclass(frozen=True)
class Span(Signal):
    """A span type, or the refinement of an upstream one."""

    kind: str
    name_note: str
    name_patterns: tuple[str, ...]
    operation_attribute: str
    operations: tuple[str, ...]
    discriminator: str
    refines: str = ""


@dataclass(frozen=True)
class Metric(Signal):
    """A metric."""

    instrument: str
    unit: str
    value_type: str
    buckets: tuple[float, ...] | None


@dataclass(frozen=True)
class Event(Signal):
    """An event, which is a log record with a name."""

    severity_number: int


@dataclass(frozen=True)
class Entity(Signal):
    """An entity; `uses` holds identity first, then description."""

    identity: tuple[str, ...]


@dataclass(frozen=True)
class Registry:
    """The whole registry, in the order of its files."""

    schema_url: str
    attributes: dict[str, Attribute] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The last segment of the schema URL."""
        return self.schema_url.rsplit("/", 1)[1]

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Every signal and entity."""
        return (*self.spans.values(), *self.metrics.values(), *self.events.values(), *self.entities.values())
