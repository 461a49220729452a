"""The drift of a fleet, from what its processes export to what the rules record, in a live store."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from otelml.rules.limits import default_limits
from otelml.rules.packs import drift
from otelml.semconv import attributes as names
from otelml.semconv import metrics
from tests.dashboards.made_up import exported
from tests.dashboards.store import Store
from tests.rules.test_alerts_drift import BINS, counted, psi

pytestmark = pytest.mark.slow

MINUTE = 60
REPLICAS = 3


class Replica:
    """A process that serves rows and exports their counts by bin, beside the shares of the training rows."""

    def __init__(self, instance: str, training: np.ndarray) -> None:
        self._reader = InMemoryMetricReader()
        self._provider = MeterProvider(
            [self._reader], Resource({"service.instance.id": instance}), shutdown_on_exit=False
        )
        meter = self._provider.get_meter("tests")
        self._values = metrics.ML_FEATURE_VALUES.create(meter)
        shares = metrics.ML_FEATURE_REFERENCE_RATIO.create(meter)
        for label, count in counted(training).items():
            shares.set(count / len(training), self._attributes(label))
            self._values.add(0, self._attributes(label))

    @staticmethod
    def _attributes(label: str) -> dict[str, str]:
        return {names.ML_MODEL_NAME: "churn", names.ML_FEATURE_NAME: "tenure", names.ML_FEATURE_BIN: label}

    def serve(self, rows: np.ndarray) -> None:
        """Count rows."""
        for label, count in counted(rows).items():
            self._values.add(int(count), self._attributes(label))

    def export(self, store: Store, at: int, start: int) -> None:
        """Export by OTLP."""
        store.write(exported(self._reader, at * 10**9, start * 10**9))

    def close(self) -> None:
        """Shut the SDK down."""
        self._provider.shutdown()


def test_index_of_replicas_is_that_of_all_their_rows(tmp_path: Path) -> None:
    """The recorded PSI equals numpy's of the pooled rows, with replicas of different size and traffic."""
    random = np.random.default_rng(11)
    training = random.normal(size=5_000)
    end = int(time.time()) // MINUTE * MINUTE
    start = end - 20 * MINUTE
    served: list[np.ndarray] = []
    with Store(tmp_path) as store:
        replicas = [Replica(str(number), training) for number in range(REPLICAS)]
        for at in range(start, end + 1, MINUTE):
            for number, replica in enumerate(replicas):
                if at > start:
                    rows = random.normal(0.4 * number, 1 + 0.2 * number, 10 * (number + 1))
                    replica.serve(rows)
                    served.append(rows)
                replica.export(store, at, start)
        for replica in replicas:
            replica.close()
        store.flush()
        store.evaluate([drift.group(default_limits()["drift"])], end, end)
        (found,) = store.query(drift.index("1h"), end)
        counts = store.query(f"sum({drift.counted('1h')})", end)
    rows = np.concatenate(served)
    assert float(counts[0]["value"][1]) == len(rows)
    assert float(found["value"][1]) == pytest.approx(psi(counted(rows), counted(training)), rel=1e-9)
    assert len(BINS) == len(counted(rows))
