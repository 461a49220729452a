"""What watching a model costs in memory, and that no row is lost when many threads call it at once."""

from __future__ import annotations

import gc
import tracemalloc
from threading import Thread

import numpy as np
from sklearn.naive_bayes import GaussianNB

from otelml.monitors.live import LiveMonitors
from tests.monitors.live.conftest import Watch
from tests.monitors.live.test_serving import live, trained


def kept(monitors: LiveMonitors, calls: int, features: int) -> int:
    """The bytes that a number of calls of 500 rows leave behind, the first call included."""
    random = np.random.default_rng(0)
    table = random.normal(size=(3_000, features))
    model = GaussianNB().fit(table, table[:, 0] > 0)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(calls):
            model.predict(random.normal(size=(500, features)))
        monitors.model_states()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_model_has_bounded_monitors(watch: Watch) -> None:
    """At most 120 bytes a cell of the reference and 200 kB, once all windows were full and ever after."""
    monitors = watch()
    bound = 120 * 200 * 24 + 200_000
    assert kept(monitors, 25, 200) < bound
    assert kept(monitors, 75, 200) < bound


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
