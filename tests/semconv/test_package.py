"""The generated package: what it holds, what its instruments are, and what importing it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.export import Metric as ExportedMetric

from otelml import semconv
from otelml.semconv import attributes, events, metrics, spans

RESOLVED = json.loads((Path(semconv.__file__).parent / "resolved.json").read_text(encoding="utf-8"))
METRICS = [value for value in vars(metrics).values() if isinstance(value, metrics.Metric)]


def test_constants_and_resolved_registry_agree() -> None:
    """Attributes, metrics, events and spans of the package are exactly those of the resolved registry."""
    keys = {value for name, value in vars(attributes).items() if name.isupper() and isinstance(value, str)}

    assert keys == set(RESOLVED["attributes"])
    assert {metric.name for metric in METRICS} == set(RESOLVED["metrics"])
    assert {value.name for value in vars(events).values() if isinstance(value, events.Event)} == set(RESOLVED["events"])
    assert {value.type for value in vars(spans).values() if isinstance(value, spans.SpanType)} == set(RESOLVED["spans"])
    assert (semconv.SCHEMA_URL, semconv.VERSION) == (RESOLVED["schema_url"], RESOLVED["version"])
    assert semconv.SCHEMA_URL.endswith(f"/{semconv.VERSION}")


def test_enum_classes_hold_the_members() -> None:
    """Each enum of the registry has a class named after its key with one constant a member."""
    held = {
        name: {value for key, value in vars(found).items() if key.isupper()}
        for name, found in vars(attributes).items()
        if isinstance(found, type)
    }
    declared = [
        {member["value"] for member in attribute["members"]}
        for attribute in RESOLVED["attributes"].values()
        if "members" in attribute
    ]

    assert sorted(map(sorted, held.values())) == sorted(map(sorted, declared))
    assert held["DriftState"] == {"warming_up", "ok", "warning", "drifted"}
    assert held["GenAiUsageCostSource"] == {"provider", "local"}
    assert attributes.OperationName.PREDICT == "predict"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_synchronous_instrument_exports_as_declared(metric: metrics.Metric) -> None:
    """The SDK exports name, unit, description, kind and bucket boundaries as the registry has them."""
    reader = InMemoryMetricReader()
    instrument = metric.create(MeterProvider([reader]).get_meter("test"))
    if hasattr(instrument, "add"):
        instrument.add(1)
    elif hasattr(instrument, "record"):
        instrument.record(1)
    else:
        instrument.set(1)

    exported = _exported(reader)

    assert (exported.name, exported.unit, exported.description) == (metric.name, metric.unit, metric.description)
    assert _kind(exported) == metric.instrument
    if metric.buckets is not None:
        assert tuple(exported.data.data_points[0].explicit_bounds) == metric.buckets  # type: ignore[union-attr]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_asynchronous_instrument_exports_as_declared(metric: metrics.Metric) -> None:
    """The observed variant exports what its callback reports; a histogram, which has none, refuses."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("test")
    if metric.instrument == "histogram":
        with pytest.raises(TypeError, match=f"{metric.name}: 'histogram' is not an asynchronous"):
            metric.observe(meter, [_seven])
        return
    metric.observe(meter, [_seven])

    exported = _exported(reader)

    assert (exported.name, exported.unit, exported.description) == (metric.name, metric.unit, metric.description)
    assert _kind(exported) == metric.instrument
    assert [point.value for point in exported.data.data_points] == [7]  # type: ignore[union-attr]


def test_metric_of_no_kind_refuses() -> None:
    """A metric made by hand without a kind of instrument says so instead of returning nothing."""
    with pytest.raises(TypeError, match="'timer' is not a synchronous instrument"):
        metrics.Metric("x", "timer", "s", "A timer.").create(MeterProvider().get_meter("test"))


def test_import_is_cheap() -> None:
    """The package by itself, found as `semconv` without otelml around it, loads neither a parser nor OpenTelemetry."""
    modules = "attributes, metrics, events, spans"
    loaded = subprocess.run(
        [sys.executable, "-c", f"from semconv import {modules}; import sys; print(*sys.modules)"],
        cwd=Path(semconv.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert "semconv.metrics" in loaded
    assert not {"yaml", "json", "jinja2", "opentelemetry.metrics", "opentelemetry.sdk"} & set(loaded)


def _seven(options: CallbackOptions) -> list[Observation]:
    return [Observation(7)]


def _exported(reader: InMemoryMetricReader) -> ExportedMetric:
    data = reader.get_metrics_data()
    assert data is not None
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    (metric,) = scope.metrics
    return metric


def _kind(exported: ExportedMetric) -> str:
    data = exported.data
    kind = type(data).__name__.lower()
    if kind != "sum":
        return kind
    return "counter" if data.is_monotonic else "updowncounter"  # type: ignore[union-attr]
