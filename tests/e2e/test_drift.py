"""Train under the launcher, save, serve under the launcher: drift is found and counted with no code about it."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from otelml.monitors import Reference
from otelml.observations.profile import profile_of
from otelml.semconv import attributes as names
from otelml.semconv import events, metrics
from tests.e2e.programs import environment, run
from tests.support.endpoint import OtlpEndpoint

TRAIN = """
import sys, joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
X = np.random.default_rng(0).normal(size=(5000, 4))
joblib.dump(LogisticRegression().fit(X, X[:, 0] > 0), sys.argv[1])
"""
SERVE = """
import sys, joblib
import numpy as np
model = joblib.load(sys.argv[1])
rows = np.random.default_rng(int(sys.argv[2])).normal(size=(1500, 4)) + [0, 0, float(sys.argv[3]), 0]
for row in rows[:500]:
    model.predict(row[None])
for start in range(500, 1500, 100):
    model.predict(rows[start:start + 100])
"""
FORKED = """
import os, sys, joblib
import otelml
otelml.instrument(overhead_budget="100%")
import numpy as np
model = joblib.load(sys.argv[1])
model.predict(np.zeros((30, 4)))
child = os.fork()
model.predict(np.zeros((70 if child else 11, 4)))
if child:
    assert os.waitpid(child, 0)[1] == 0
sys.exit()
"""
INSTANCE = "service.instance.id"


def served(seed: int, shift: float) -> Any:
    """The rows that a serving process predicts."""
    rows = np.random.default_rng(seed).normal(size=(1500, 4))
    rows[:, 2] += shift
    return rows


@pytest.fixture
def model(tmp_path: Path, otlp_endpoint: OtlpEndpoint) -> Path:
    """A model that a launched process has trained and saved."""
    path = tmp_path / "model.joblib"
    run(TRAIN, str(path), env=environment(otlp_endpoint.environment), launched=True)
    return path


def test_drift_over_replicas(model: Path, otlp_endpoint: OtlpEndpoint) -> None:
    """Each process says what has drifted, and their exported bins give the stability index of all rows together."""
    seen_all = {"OTELML_OVERHEAD_BUDGET": "100%"}
    for seed, shift in ((1, 0.8), (2, 0.6)):
        env = environment(otlp_endpoint.environment, seen_all)
        run(SERVE, str(model), str(seed), str(shift), env=env, launched=True)
    drifted = [
        event
        for event in otlp_endpoint.events
        if event.name == events.ML_DRIFT_RESULT.name and event.attributes[names.ML_DRIFT_STATE] == "drifted"
    ]
    assert {event.attributes[names.ML_FEATURE_NAME] for event in drifted} == {"x2"}
    assert len({event.resource[INSTANCE] for event in drifted}) == 2

    live: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for point in otlp_endpoint.points(metrics.ML_FEATURE_VALUES.name):
        live[point.attributes[names.ML_FEATURE_NAME]][point.attributes[names.ML_FEATURE_BIN]] += point.value
    expected: dict[str, dict[str, float]] = defaultdict(dict)
    for point in otlp_endpoint.points(metrics.ML_FEATURE_REFERENCE_RATIO.name):
        expected[point.attributes[names.ML_FEATURE_NAME]][point.attributes[names.ML_FEATURE_BIN]] = point.value

    profile = profile_of(joblib.load(model))
    assert profile is not None
    reference = Reference.from_dict(profile["reference"]["table"])
    pooled = reference.bin(np.concatenate([served(1, 0.8), served(2, 0.6)]))
    for index, feature in enumerate(reference.features):
        bins = live[feature.name]
        assert sum(bins.values()) == 3000
        got = stability([bins[label] for label in expected[feature.name]], list(expected[feature.name].values()))
        valid = reference.valid[index]
        assert got == pytest.approx(
            stability(pooled.counts[index][valid].tolist(), (reference.counts[index][valid] / reference.rows).tolist()),
            rel=1e-12,
        )


def stability(counts: list[float], ratios: list[float]) -> float:
    """The population stability index over the bins that neither side leaves empty."""
    total = sum(counts)
    pairs = [(count / total, ratio) for count, ratio in zip(counts, ratios, strict=True) if count and ratio]
    return sum((now - before) * float(np.log(now / before)) for now, before in pairs)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_process_counts_its_own_rows(model: Path, otlp_endpoint: OtlpEndpoint) -> None:
    """What the parent has counted before is the parent's alone."""
    quiet = {"PYTHONWARNINGS": "ignore:This process:DeprecationWarning"}
    run(FORKED, str(model), env=environment(otlp_endpoint.environment, quiet))
    counted: dict[str, float] = defaultdict(float)
    for point in otlp_endpoint.points(metrics.ML_FEATURE_VALUES.name):
        if point.attributes[names.ML_FEATURE_NAME] == "x0":
            counted[point.resource[INSTANCE]] += point.value
    assert sorted(counted.values()) == [11, 100]


def test_a_restart_goes_on_from_the_state_file(model: Path, otlp_endpoint: OtlpEndpoint, tmp_path: Path) -> None:
    """Two processes one after the other, each with half a window, find what neither has rows enough to find."""
    settings = {
        "OTELML_OVERHEAD_BUDGET": "100%",
        "OTELML_STATE_FILE": str(tmp_path / "state.json"),
        "OTELML_DRIFT_WINDOWS": "3000",
    }
    for seed in (1, 2):
        env = environment(otlp_endpoint.environment, settings)
        done = run(SERVE, str(model), str(seed), "0.8", env=env, launched=True)
        assert "not restored" not in done.stderr
    (drifted,) = [event for event in otlp_endpoint.events if event.name == events.ML_DRIFT_RESULT.name]
    assert drifted.attributes[names.ML_EVALUATION_SAMPLE_COUNT] == 3000
    assert drifted.attributes[names.ML_FEATURE_NAME] == "x2"
