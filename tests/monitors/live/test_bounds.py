"""What watching a model costs in memory, and that no row is lost when many threads call it at once."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import datetime, timedelta, timezone
from threading import Thread

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from otelml import settings
from otelml.monitors import Reference
from otelml.monitors.live import LiveMonitors, leave_reference
from otelml.monitors.live.history import History, Point
from otelml.observations import FeatureBins, Finding, ModelIdentity, ReferenceChange
from tests.monitors.live.conftest import Watch
from tests.monitors.live.test_serving import live, trained
from tests.support.telemetry import Telemetry

BUFFERS = 140_000
"""Bytes that do not depend on the number of features: outputs and labels with their windows, the dependence of 16
features, the rows and hashes that wait to be counted, random numbers, tables of the statistics."""


class Silent:
    """Lets everything go that monitors say."""

    def found(self, model: ModelIdentity, reference: str, finding: Finding) -> None:
        """Take a finding."""

    def reference_changed(self, model: ModelIdentity, change: ReferenceChange) -> None:
        """Take a change."""


def kept(calls: int, features: int, bins: int = 20) -> int:
    """The bytes that a number of calls of 500 rows leave behind in monitors, the first call included."""
    monitors = LiveMonitors(settings.resolve({"overhead_budget": 1}), Silent())
    random = np.random.default_rng(0)
    table = random.normal(size=(3_000, features))
    model, labels = GaussianNB().fit(table, table[:, 0] > 0), np.zeros(500, dtype=np.int64)
    leave_reference(Reference.build(table, bins=bins), "describe", model)
    gc.collect()
    tracemalloc.start()
    try:
        intake = monitors.intake(model, ModelIdentity("GaussianNB", "sklearn"), "predict")
        assert intake is not None
        for _ in range(calls):
            intake((model, random.normal(size=(500, features))), {}, labels, 1_000_000)
        for _ in range(3):
            monitors.model_states()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("features", [30, 300, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_model_has_bounded_monitors(features: int) -> None:
    """At most 50 bytes a bin and feature, 450 a feature for its name and scales, and the buffers, all windows full."""
    assert kept(25, features) < 50 * 20 * features + 450 * features + BUFFERS


def test_memory_does_not_grow_with_the_rows() -> None:
    """Three times as many rows leave no more behind."""
    kept(25, 100)  # what a process keeps once
    few, many = kept(140, 100), kept(400, 100)
    assert many < few + 15_000


def test_a_further_bin_costs_less_than_50_bytes() -> None:
    """The same model with 100 bins a feature, and with 20."""
    few, many = kept(140, 100, bins=20), kept(140, 100, bins=100)
    assert (many - few) / (80 * 100) <= 50


def test_what_is_told_of_every_bin_is_not_kept(watch: Watch, telemetry: Telemetry) -> None:
    """Texts and numbers of all bins are made when metrics are collected, and let go."""
    watch()
    model = trained()
    model.predict(live(300))
    telemetry.requests()
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is FeatureBins]


def test_the_history_is_bounded() -> None:
    """However often it is asked, and with fewer points for many features; the first and the last time stay."""
    for features, most in ((30, 128), (1_000, 32)):
        history = History()
        start = datetime(2026, 11, 22, tzinfo=timezone.utc)
        for minute in range(5_000):
            now = (start + timedelta(minutes=minute)).isoformat()
            history.add(Point(now, minute, (0.25,) * (features - 1) + (None,), ("ok",) * features))
        points = history.points
        assert most // 2 <= len(points) < most
        assert points[0] == Point(start.isoformat(), 0, (0.25,) * (features - 1) + (None,), ("ok",) * features)
        assert points[-1].rows > 4_000
        assert History([list(point) for point in points]).points == points


def test_eight_threads_lose_no_row(watch: Watch) -> None:
    """Single rows and batches from eight threads at once are all counted, each once."""
    monitors = watch()
    model = trained()
    faults: list[BaseException] = []

    def call() -> None:
        try:
            for row in live(200):
                model.predict(row[None])
            for _ in range(10):
                model.predict(live(20))
        except BaseException as fault:
            faults.append(fault)

    threads = [Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (state,) = monitors.model_states()
    assert faults == []
    assert sum(state.bins[0].counts) == 8 * (200 + 10 * 20)
    assert state.share == 1
