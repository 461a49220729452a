"""Names in Prometheus are those that the Collector, Prometheus and VictoriaMetrics make."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from opentelemetry.semconv._incubating.metrics import hw_metrics

from otelml.rules.convention import attributes_of, declared_metrics
from otelml.rules.naming import label_name, metric_name
from otelml.rules.promql import Series, bound_spellings, quoted
from otelml.semconv import metrics
from otelml.semconv.metrics import Metric

PINNED = [it for it in vars(metrics).values() if isinstance(it, Metric) and it.name.startswith("hw.")]


# Found by running github.com/prometheus/otlptranslator 1.0.0 on these names.
@pytest.mark.parametrize(
    ("instrument", "name", "unit", "expected"),
    [
        ("counter", "mltel.train.steps", "{step}", "mltel_train_steps_total"),
        ("counter", "mltel.train.steps.total", "1", "mltel_train_steps_total"),
        ("counter", "mltel.data.read", "By", "mltel_data_read_bytes_total"),
        ("counter", "mltel.cpu.time", "s", "mltel_cpu_time_seconds_total"),
        ("updowncounter", "mltel.dataloader.queue", "{batch}", "mltel_dataloader_queue"),
        ("updowncounter", "mltel.mem", "By", "mltel_mem_bytes"),
        ("gauge", "mltel.gpu.utilization", "1", "mltel_gpu_utilization_ratio"),
        ("gauge", "mltel.gpu.utilization.pct", "%", "mltel_gpu_utilization_pct_percent"),
        ("gauge", "mltel.loss", "", "mltel_loss"),
        ("gauge", "mltel.gpu.temp", "Cel", "mltel_gpu_temp_celsius"),
        ("gauge", "mltel.gpu.power", "W", "mltel_gpu_power_watts"),
        ("counter", "mltel.gpu.energy", "J", "mltel_gpu_energy_joules_total"),
        ("gauge", "mltel.rate", "{sample}/s", "mltel_rate_per_second"),
        ("gauge", "mltel.net", "By/s", "mltel_net_bytes_per_second"),
        ("gauge", "mltel.clock", "MHz", "mltel_clock_MHz"),
        ("histogram", "mltel.step.duration", "s", "mltel_step_duration_seconds"),
        ("histogram", "mltel.step.duration_seconds", "s", "mltel_step_duration_seconds"),
        ("histogram", "mltel.grad.norm", "1", "mltel_grad_norm"),
        ("gauge", "a__b..c", "", "a_b_c"),
    ],
)
def test_names_are_those_of_the_translator(instrument: str, name: str, unit: str, expected: str) -> None:
    """Units in words, `_total` and `_ratio` once."""
    assert metric_name(Metric(name, instrument, unit, "")) == expected


def test_ratio_is_appended_once() -> None:
    """A gauge whose name says ratio does not say it twice."""
    assert metric_name(metrics.ML_FEATURE_REFERENCE_RATIO) == "ml_feature_reference_ratio"
    assert metric_name(metrics.ML_TELEMETRY_RECORDED) == "ml_telemetry_recorded_ratio"


def test_no_two_metrics_share_a_name() -> None:
    """Every declared metric has a name of its own in Prometheus."""
    every = [Metric(name, tree["instrument"], tree["unit"], "") for name, tree in declared_metrics().items()]
    found = [metric_name(metric) for metric in every]
    assert len(set(found)) == len(found)


def test_upstream_metrics_are_what_upstream_creates() -> None:
    """Name, instrument and unit of pinned hardware metrics are what OpenTelemetry's functions create."""
    assert PINNED
    for metric in PINNED:
        create = getattr(hw_metrics, f"create_{metric.name.replace('.', '_')}")
        meter = Mock()
        create(meter, *(None,) * (create.__code__.co_argcount - 1))
        ((method, _, created),) = meter.method_calls
        kind = method.removeprefix("create_").removeprefix("observable_").replace("_", "")
        assert (created["name"], kind, created["unit"]) == metric[:3]


def test_attributes_of_both_kinds_of_metrics() -> None:
    """The registry says which attributes a metric has, one of ours or of another convention."""
    assert "ml.model.name" in attributes_of(metrics.ML_INFERENCE_CALLS)
    assert "hw.id" in attributes_of(metrics.HW_GPU_UTILIZATION)


def test_selectors() -> None:
    """Labels are escaped attributes, and values are quoted."""
    series = Series(metrics.ML_INFERENCE_CALLS).where("ml.model.name", "=", 'a"\\b')
    assert str(series) == 'ml_inference_calls_total{ml_model_name="a\\"\\\\b"}'
    assert label_name("service.name") == "service_name"
    assert quoted("é") == '"é"'


@pytest.mark.parametrize(
    ("bound", "spellings"),
    [(1, ["1", "1\\.0"]), (0.25, ["0\\.25"]), (0.00001, ["0\\.00001", "1e-05"]), (604800, ["604800", "604800\\.0"])],
)
def test_spellings_of_a_boundary(bound: float, spellings: list[str]) -> None:
    """Stores write the boundary of a bucket differently; a query finds all spellings."""
    assert bound_spellings(bound) == spellings
