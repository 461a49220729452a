"""Training loops: what is declared about a run, its exact counts, and the spans, metrics and events that it emits."""

from __future__ import annotations

from otelml.telemetry.training.declared import training
from otelml.telemetry.training.emission import TrainingTelemetry, training_telemetry
from otelml.telemetry.training.run import TrainingRun

__all__ = ["TrainingRun", "TrainingTelemetry", "training", "training_telemetry"]
