"""The metric points of export requests, and the series that a store with Prometheus's data model makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from otelml.rules.naming import label_name, metric_name
from tests.support.recorded import Recorded

Series = tuple[str, Mapping[str, str], float]
"""A series: its name, its labels, the value last stored."""


def all_metrics(requests: Sequence[Message]) -> Iterator[Metric]:
    """Every metric of every request."""
    for request in requests:
        if isinstance(request, ExportMetricsServiceRequest):
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    yield from scope.metrics


def points_of(metric: Metric) -> Sequence[Any]:
    """The data points of a metric, whatever its kind."""
    points: Sequence[Any] = getattr(metric, metric.WhichOneof("data") or "gauge").data_points
    return points


def exactly(requests: Sequence[Message]) -> list[tuple[str, str, bytes]]:
    """Every point with all that it holds, to the byte, in an order of its own."""
    return sorted(
        (metric.name, metric.unit, point.SerializeToString(deterministic=True))
        for metric in all_metrics(requests)
        for point in points_of(metric)
    )


def series_of(sent: Recorded) -> Iterator[Series]:
    """The series that come of what was sent; of exponential histograms, those without buckets."""
    kinds = {metric.name: _Named(metric) for metric in all_metrics(sent.requests())}
    for name, points in sent.metrics.items():
        prometheus = metric_name(kinds[name])
        for point in points:
            about = {**point.resource, **point.attributes}
            labels = {label_name(key): _label(value) for key, value in about.items()}
            if point.count is None:
                yield prometheus, labels, point.value
                continue
            yield f"{prometheus}_count", labels, point.count
            yield f"{prometheus}_sum", labels, point.value
            for bound, below in zip(point.bounds, _cumulated(point.buckets), strict=False):
                yield f"{prometheus}_bucket", {**labels, "le": repr(bound)}, below


class _Named:
    """A sent metric, as far as its name in Prometheus depends on it."""

    def __init__(self, metric: Metric) -> None:
        data = metric.WhichOneof("data")
        is_counter = data == "sum" and metric.sum.is_monotonic
        self.name = metric.name
        self.unit = metric.unit
        self.instrument = {"sum": "counter" if is_counter else "updowncounter", "gauge": "gauge"}.get(
            data or "", "histogram"
        )


def _label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cumulated(counts: Sequence[int]) -> Iterator[int]:
    total = 0
    for count in counts:
        total += count
        yield total


def is_stored(wanted: Series, stored: Sequence[Series]) -> bool:
    """Whether exactly one stored series has the name, the labels and the value that are wanted."""
    name, labels, value = wanted
    labels = {key: _number(text) if key == "le" else text for key, text in labels.items()}
    same = [
        found
        for other, there, found in stored
        if other == name
        and labels.items() <= {**there, **({"le": _number(there["le"])} if "le" in there else {})}.items()
        and ("error_type" in there) == ("error_type" in labels)
    ]
    return len(same) == 1 and same[0] == pytest.approx(value)


def _number(text: str) -> str:
    return repr(float(text))
