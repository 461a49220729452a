"""What the rest of otelml relies on in the convention."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otelml import semconv

RESOLVED = json.loads((Path(semconv.__file__).parent / "resolved.json").read_text(encoding="utf-8"))
CALL = {
    "ml.operation.name": "required",
    "ml.system.name": "required",
    "ml.operation.method": "recommended",
    "ml.model.name": "conditionally_required",
    "ml.model.version": "recommended",
}
FAILURE = {"error.type": "conditionally_required"}
INFERENCE = {"ml.inference.mode": "recommended", "ml.rollout.variant": "conditionally_required"}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        *((f"ml.inference.{name}", CALL | FAILURE | INFERENCE) for name in ("calls", "time", "duration")),
        ("ml.inference.samples", CALL | INFERENCE),
        ("ml.inference.predictions", CALL | INFERENCE),
        ("ml.prediction.scores", CALL | INFERENCE),
        *((f"ml.training.{name}", CALL | FAILURE) for name in ("runs", "time", "duration", "tasks", "task.time")),
        *((f"ml.evaluation.{name}", CALL | FAILURE) for name in ("runs", "time", "duration")),
    ],
)
def test_metrics_of_calls_share_their_attributes(metric: str, expected: dict[str, str]) -> None:
    """Counts, time and durations of one call can be divided by each other because they carry the same attributes."""
    held = {key: use["requirement_level"] for key, use in RESOLVED["metrics"][metric]["attributes"].items()}

    assert expected.items() <= held.items()
    assert ("error.type" in held) == ("error.type" in expected)


@pytest.mark.parametrize("area", ["inference", "training", "evaluation"])
def test_exact_counters_stand_beside_each_duration(area: str) -> None:
    """Where a duration histogram may cover a share of the calls, a counter of the calls and one of time cover all."""
    calls = "calls" if area == "inference" else "runs"
    instruments = {name: metric["instrument"] for name, metric in RESOLVED["metrics"].items()}

    assert instruments[f"ml.{area}.{calls}"] == "counter"
    assert instruments[f"ml.{area}.time"] == "counter"
    assert instruments[f"ml.{area}.duration"] == "histogram"
