"""Which names a query of PromQL reads, and which of them nothing emits."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from otelml.rules.convention import attributes_of, declared_metrics
from otelml.rules.naming import label_name, metric_name
from otelml.rules.packs import telemetry, training
from otelml.semconv import attributes as names
from otelml.semconv.metrics import Metric

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_LABELS = re.compile(r"\b(?:by|on|ignoring|without|group_left|group_right) ?\(([^()]*)\)")
_MATCHERS = re.compile(r"\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_KEYWORDS = {"and", "or", "unless", "bool", "offset", "on", "by", "ignoring", "without", "group_left", "group_right"}
_UNITS = {"d", "h", "m", "s", "w"}

# What the Collector says of itself (0.152).
COLLECTOR = {
    telemetry.COLLECTOR_QUEUE,
    telemetry.COLLECTOR_CAPACITY,
    *(
        f"{start}{signal}{ending}"
        for start in (
            telemetry.COLLECTOR_FAILED,
            telemetry.COLLECTOR_REFUSED,
            "otelcol_exporter_sent_",
            "otelcol_receiver_accepted_",
        )
        for signal in telemetry.SIGNALS
        for ending in ("", "_total")
    ),
}
METRICS = tuple(
    Metric(name, tree["instrument"], tree["unit"], "")
    for name, tree in declared_metrics().items()
    if not tree["planned"]
)
"""What otelml emits: the coverage test of the convention takes care that a test has each of them emitted."""
#: Of our recordings, of the Collector and of the targets: no attributes of metrics.
OTHER_LABELS = {
    "__name__",
    "le",
    "slo",
    "service",
    "window",
    "signal",
    "exporter",
    "receiver",
    "data_type",
    "job",
    "instance",
    *(label_name(key) for key in (names.ML_TRAINING_JOB_ID, names.ML_TRAINING_WORKER_INDEX)),
}


def emitted() -> set[str]:
    """Every series that the metrics of otelml and the Collector have in Prometheus."""
    found = {*COLLECTOR, training.TARGET}
    for metric in METRICS:
        name = metric_name(metric)
        found |= (
            {f"{name}{end}" for end in ("_bucket", "_count", "_sum")} if metric.instrument == "histogram" else {name}
        )
    return found


def read_names(query: str) -> Iterator[str]:
    """The metrics that a query reads."""
    bare = _MATCHERS.sub(" ", _LABELS.sub(" ", _TEXT.sub('""', query)))
    bare = re.sub(r"\[[^\]]*\]|offset [0-9a-z]+|\b[0-9][0-9.a-z]*", " ", bare)
    for match in _NAME.finditer(bare):
        is_function = bare[match.end() :].lstrip().startswith("(")
        if not is_function and match[0] not in _KEYWORDS:
            yield match[0]


def unknown_names(query: str, recorded: Container[str]) -> list[str]:
    """The metrics that a query reads and nothing emits."""
    known = emitted()
    return [name for name in read_names(query) if name not in known and name not in recorded]


def unknown_labels(query: str) -> list[str]:
    """The labels in a query that are no attribute of any metric."""
    known = OTHER_LABELS | {label_name(key) for metric in METRICS for key in attributes_of(metric)}
    text = _TEXT.sub('""', query)
    groups = [part.strip() for match in _LABELS.finditer(text) for part in match[1].split(",")]
    matchers = [
        re.split(r"[=!]", part)[0].strip() for match in _MATCHERS.finditer(text) for part in match[1].split(",")
    ]
    return [label for label in (*groups, *matchers) if label and label not in known]
