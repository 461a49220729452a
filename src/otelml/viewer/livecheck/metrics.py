"""Holds a metric's instrument, unit and temporality against its declaration."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from otelml.viewer.livecheck import findings as rules
from otelml.viewer.livecheck.findings import Report
from otelml.viewer.livecheck.registry import Signal
from otelml.viewer.otlp import Attributes, decode_attributes


def instrument_of(metric: Metric) -> str:
    """The kind of instrument that the data point to."""
    data = metric.WhichOneof("data")
    if data == "sum":
        return "counter" if metric.sum.is_monotonic else "updowncounter"
    return "histogram" if data == "exponential_histogram" else data or "none"


def point_attributes(metric: Metric) -> Iterator[Attributes]:
    """The attributes of each data point."""
    data = metric.WhichOneof("data")
    if data is not None:
        for point in getattr(metric, data).data_points:
            yield decode_attributes(point.attributes)


def check_shape(declared: Signal, metric: Metric, report: Report) -> None:
    """Check the instrument, the unit and the temporality of a metric."""
    instrument = instrument_of(metric)
    if instrument != declared.instrument:
        report.add(
            rules.UNEXPECTED_INSTRUMENT,
            f"The instrument is a {instrument}, not a {declared.instrument}.",
            value=instrument,
        )
    if metric.unit != declared.unit:
        report.add(rules.UNIT_MISMATCH, f"The unit is {metric.unit!r}, not {declared.unit!r}.", value=metric.unit)
    if instrument in ("counter", "updowncounter", "histogram"):
        _check_temporality(instrument, getattr(metric, metric.WhichOneof("data") or "").aggregation_temporality, report)


def _check_temporality(instrument: str, temporality: AggregationTemporality.ValueType, report: Report) -> None:
    name = AggregationTemporality.Name(temporality).removeprefix("AGGREGATION_TEMPORALITY_").lower()
    if temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_UNSPECIFIED:
        report.add(rules.UNEXPECTED_TEMPORALITY, "The temporality is not specified.", value=name)
    elif instrument == "updowncounter" and name == "delta":
        # The deltas of a level only add up for who has seen all of them; exporters keep these cumulative.
        report.add(rules.UNEXPECTED_TEMPORALITY, "An updowncounter has delta temporality.", value=name)
