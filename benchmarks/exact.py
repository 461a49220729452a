"""Whether what is exported is what happened: a subject that keeps its own books beside otelml's."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from time import perf_counter_ns
from typing import Any

import numpy as np
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from benchmarks import models
from benchmarks.sdk import Point, Sdk
from benchmarks.subject import Facts, Subject

QUANTILES = (0.5, 0.9, 0.99)
_ONE_IN = 500
"""Of that many calls, one raises."""
_FINE = [1e-6 * 1.005**number for number in range(2800)]


class Books:
    """What happened, as seen from inside the calls."""

    def __init__(self) -> None:
        self.durations: list[int] = []
        self.errors = 0
        self.error_time = 0
        self.labels: Counter[str] = Counter()
        self.outside = 0


books = Books()


class Booked(LogisticRegression):
    """Books every call from inside: its duration cannot be longer than the one otelml takes, nor shorter by much."""

    def predict(self, features: Any) -> Any:
        began = perf_counter_ns()
        try:
            result = super().predict(features)
        except ValueError:
            books.errors += 1
            books.error_time += perf_counter_ns() - began
            raise
        books.labels[str(result[0])] += 1
        books.durations.append(perf_counter_ns() - began)
        return result


class Lasting(ClassifierMixin, BaseEstimator):
    """Lasts as long as a known, wide distribution says, so that the microsecond between two clocks does not matter.

    Log-normal around 150 us; with `phases`, 1000 calls of a third of that and 1000 of three times that take turns.
    """

    def __init__(self, phases: bool = False) -> None:
        self.phases = phases

    def fit(self, features: Any, target: Any) -> Lasting:
        self.classes_ = np.unique(target)
        self.random_ = Random(0)
        return self

    def predict(self, features: Any) -> Any:
        began = perf_counter_ns()
        factor = (1 / 3, 3)[len(books.durations) // 1000 % 2] if self.phases else 1
        until = began + 150_000 * factor * self.random_.lognormvariate(0, 0.5)
        label = self.classes_[int(self.random_.random() < 0.3)]
        while perf_counter_ns() < until:
            pass
        books.labels[str(label)] += 1
        books.durations.append(perf_counter_ns() - began)
        return np.array([label])


def otelml(model: str, budget: str = "3%") -> Subject:
    """A subject that can tell how far otelml's figures are from its own."""
    from otelml import instrument

    fine = ExplicitBucketHistogramAggregation(_FINE)
    sdk = Sdk([View(instrument_name="ml.inference.duration", aggregation=fine)])
    instrument(overhead_budget=budget)
    data = models.load()
    estimators: dict[str, Any] = {"booked": Booked(max_iter=1000), "lasting": Lasting(), "phases": Lasting(phases=True)}
    predict = estimators[model].fit(data.features, data.target).predict
    good = [models.rows(569)[row : row + 1] for row in range(569)]
    bad = np.array([[math.nan] * 30])
    calls = 0

    def call(_: Any) -> None:
        nonlocal calls
        calls += 1
        raises = model == "booked" and not calls % _ONE_IN
        began = perf_counter_ns()
        try:
            predict(bad if raises else good[calls % 569])
        except ValueError:
            pass
        books.outside += perf_counter_ns() - began

    return Subject(call, facts=lambda: _facts(sdk, calls))


def _facts(sdk: Sdk, calls: int) -> Facts:
    counts = _by_error(sdk.points("ml.inference.calls"))
    time = _by_error(sdk.points("ml.inference.time"))
    classes = {
        point.attributes["ml.prediction.class"]: point.data.value for point in sdk.points("ml.inference.predictions")
    }
    histograms = [point for point in sdk.points("ml.inference.duration") if "error.type" not in point.attributes]
    durations = sorted(books.durations)
    return {
        "calls": [calls - books.errors, counts[False]],
        "errors": [books.errors, counts[True]],
        "classes": [dict(sorted(books.labels.items())), dict(sorted(classes.items()))],
        "samples": [sum(books.labels.values()), sum(point.data.value for point in sdk.points("ml.inference.samples"))],
        # Seconds of all calls: from inside, as exported, from outside.
        "time": [(sum(durations) + books.error_time) * 1e-9, time[False] + time[True], books.outside * 1e-9],
        "recorded": sum(point.data.count for point in histograms),
        "quantiles": [_quantile_facts(durations, histograms, quantile) for quantile in QUANTILES],
    }


def _by_error(points: Sequence[Point]) -> dict[bool, float]:
    found = {False: 0.0, True: 0.0}
    for point in points:
        found["error.type" in point.attributes] += point.data.value
    return found


def _quantile_facts(durations: list[int], histograms: Sequence[Point], quantile: float) -> list[float]:
    """A quantile of all durations, the same of the histogram, and the share of all durations below the latter."""
    counts = [sum(column) for column in zip(*(point.data.bucket_counts for point in histograms), strict=True)]
    bounds = [0.0, *histograms[0].data.explicit_bounds, math.inf]
    below = list(accumulate(counts))
    wanted = quantile * below[-1]
    bucket = bisect_right(below, wanted)
    share = (wanted - (below[bucket] - counts[bucket])) / counts[bucket]
    recorded = bounds[bucket] + share * (bounds[bucket + 1] - bounds[bucket])
    full = durations[int(quantile * len(durations))] * 1e-9
    return [full, recorded, bisect_right(durations, recorded * 1e9) / len(durations)]
