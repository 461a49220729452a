"""Quantiles of the SDK's own histograms, received over OTLP, against numpy."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)

from otelml.viewer.distribution import Distribution, merge
from otelml.viewer.otlp import Signal
from otelml.viewer.otlp_body import JSON, decode_request
from otelml.viewer.query import distributions
from otelml.viewer.store import TelemetryStore

Values = npt.NDArray[np.float64]

QUANTILES = (0.01, 0.5, 0.9, 0.99)
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
OTHER_BOUNDS = (0.002, 0.004, 0.02, 0.04, 0.2, 0.4, 2.0)
EXPLICIT = ExplicitBucketHistogramAggregation(BOUNDS)
EXPONENTIAL = ExponentialBucketHistogramAggregation()
NAME = "duration"


def drawn(shape: str, number: int = 3000) -> Values:
    """Positive values, as histograms take them."""
    random = np.random.default_rng(5)
    if shape == "lognormal":
        return random.lognormal(-5, 1, number)
    if shape == "uniform":
        return random.uniform(0, 2, number)
    return np.maximum(random.normal(0.1, 0.3, number), 0)


def received(
    endpoint: str,
    store: TelemetryStore,
    parts: Sequence[tuple[Values, Aggregation]],
    temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE,
) -> Distribution:
    """What the store has of a histogram that several processes fill, each in two exports."""
    for values, aggregation in parts:
        exporter = OTLPMetricExporter(f"{endpoint}/v1/metrics", preferred_temporality={Histogram: temporality})
        view = View(instrument_name=NAME, aggregation=aggregation)
        provider = MeterProvider([PeriodicExportingMetricReader(exporter)], views=[view])
        histogram = provider.get_meter("test").create_histogram(NAME)
        for half in np.array_split(values, 2):
            for value in half.tolist():
                histogram.record(value)
            provider.force_flush()
        provider.shutdown()
    return distributions(store.streams(NAME))[()]


def bucket_of(value: float, bounds: Sequence[float]) -> tuple[float, float]:
    """The bucket that a value falls into."""
    edges = (-math.inf, *bounds, math.inf)
    index = int(np.searchsorted(bounds, value))
    return edges[index], edges[index + 1]


@pytest.mark.parametrize("temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
@pytest.mark.parametrize("shape", ["lognormal", "uniform", "many zeros"])
def test_explicit_buckets(
    endpoint: str, store: TelemetryStore, shape: str, temporality: AggregationTemporality
) -> None:
    """A quantile lies in the bucket of the true one, and within the values that there were."""
    values = drawn(shape)
    distribution = received(endpoint, store, [(values, EXPLICIT)], temporality)
    assert distribution.count == len(values)
    assert distribution.mean == pytest.approx(values.mean())
    for q in QUANTILES:
        low, high = bucket_of(float(np.quantile(values, q, method="inverted_cdf")), BOUNDS)
        assert max(low, values.min()) <= distribution.quantile(q) <= min(high, values.max())
    assert (distribution.quantile(0), distribution.quantile(1)) == pytest.approx((values.min(), values.max()))


@pytest.mark.parametrize("temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
@pytest.mark.parametrize("shape", ["lognormal", "uniform", "many zeros"])
def test_exponential_buckets(
    endpoint: str, store: TelemetryStore, shape: str, temporality: AggregationTemporality
) -> None:
    """A quantile is within the width of an exponential bucket of the true one."""
    values = drawn(shape)
    distribution = received(endpoint, store, [(values, EXPONENTIAL)], temporality)
    assert distribution.count == len(values)
    # 160 buckets over at most seven decades: scale 2 or finer.
    factor = 2**0.25
    for q in QUANTILES:
        true = float(np.quantile(values, q, method="inverted_cdf"))
        low, high = sorted((true / factor, true * factor))
        assert low <= distribution.quantile(q) <= high


def test_processes_with_the_same_buckets_add_up(endpoint: str, store: TelemetryStore) -> None:
    """Two processes' histograms, merged, have the quantiles of one histogram of all their values."""
    values = drawn("lognormal")
    apart = received(endpoint, store, [(values[:1000], EXPLICIT), (values[1000:], EXPLICIT)])
    assert apart.intervals == Counter(bucket_of(value, BOUNDS) for value in values.tolist())
    assert (apart.minimum, apart.maximum) == (values.min(), values.max())


@pytest.mark.parametrize("other", [ExplicitBucketHistogramAggregation(OTHER_BOUNDS), EXPONENTIAL, EXPLICIT])
def test_processes_with_other_buckets_are_merged(endpoint: str, store: TelemetryStore, other: Aggregation) -> None:
    """Below a quantile over processes with different layouts lies about the share of values that should."""
    values = drawn("lognormal")
    fast, slow = values, values * 3
    distribution = received(endpoint, store, [(fast, EXPLICIT), (slow, other)])
    both = np.concatenate([fast, slow])
    assert distribution.count == len(both)
    assert distribution.total == pytest.approx(both.sum())
    for q in QUANTILES:
        below = (both <= distribution.quantile(q)).mean()
        assert below == pytest.approx(q, abs=0.1)


def test_negative_exponential_buckets(store: TelemetryStore) -> None:
    """Other SDKs' histograms may have values below zero: they lie where their buckets mirror the positive ones."""
    point = {
        "timeUnixNano": "2",
        "scale": 0,
        "zeroCount": 1,
        "zeroThreshold": 0.5,
        "positive": {"offset": 1, "bucketCounts": ["2"]},
        "negative": {"offset": 0, "bucketCounts": ["3", "4"]},
    }
    metric = {"name": NAME, "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [point]}}
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    store.add(Signal.METRICS, decode_request(Signal.METRICS, json.dumps(body).encode(), JSON))
    [distribution] = distributions(store.streams(NAME)).values()
    assert distribution.intervals == {(-4.0, -2.0): 4, (-2.0, -1.0): 3, (-0.5, 0.5): 1, (2.0, 4.0): 2}
    assert [distribution.quantile(q) for q in (0.2, 0.4, 0.75, 0.9)] == pytest.approx([-3, -2, 0, 3])


def test_without_known_extremes_outer_buckets_are_bounded() -> None:
    """Below the first bound values are taken to be above 0, above the last bound to be at it, as Prometheus does."""
    distribution = Distribution({(-math.inf, 1.0): 10, (1.0, 2.0): 10, (2.0, math.inf): 20})
    assert distribution.quantile(0.125) == pytest.approx(0.5)
    assert distribution.quantile(0.5) == pytest.approx(2.0)
    assert distribution.quantile(0.99) == 2.0
    assert Distribution({(-math.inf, -1.0): 4}).quantile(0.5) == -1.0


def test_overlapping_intervals() -> None:
    """Values are spread evenly over their interval; where two overlap, both count."""
    distribution = Distribution({(0.0, 4.0): 4, (1.0, 2.0): 2, (3.0, 3.0): 2})
    assert [distribution.quantile(q) for q in (0.125, 0.25, 0.5, 0.625, 0.875, 1)] == pytest.approx(
        [1, 4 / 3, 2, 3, 3, 4]
    )


def test_nothing_has_no_quantile() -> None:
    """An empty distribution has neither quantiles nor a mean, and adds nothing to others."""
    empty = Distribution()
    assert math.isnan(empty.quantile(0.5))
    assert math.isnan(empty.mean)
    one = Distribution({(0.0, 1.0): 1}, 0.5, 0.5, 0.5)
    assert merge([empty, one, empty]) == one


def test_an_extreme_is_known_only_if_all_know_it() -> None:
    """A merged minimum or maximum would be wrong if one part's is unknown."""
    known, unknown = Distribution({(0.0, 1.0): 1}, 0.5, 0.4, 0.6), Distribution({(0.0, 1.0): 1}, 0.5)
    assert merge([known, known]) == Distribution({(0.0, 1.0): 2}, 1.0, 0.4, 0.6)
    assert merge([known, unknown]) == Distribution({(0.0, 1.0): 2}, 1.0)
