"""Plain facts about what a model did, and the protocols that join the rooms: no OpenTelemetry, no framework."""

from __future__ import annotations

from otelml.observations.calls import Call, Outputs
from otelml.observations.findings import DriftFinding, Finding, MovedBin, QualityFinding
from otelml.observations.model import MAX_NAME_LENGTH, PROFILE_ATTRIBUTE, ModelIdentity
from otelml.observations.protocols import FindingSink, Intake, MeasurementSource, ModelMonitors, Observer
from otelml.observations.states import DriftState, FeatureBins, ModelState, QualityCount, ReferenceChange

__all__ = [
    "MAX_NAME_LENGTH",
    "PROFILE_ATTRIBUTE",
    "Call",
    "DriftFinding",
    "DriftState",
    "FeatureBins",
    "Finding",
    "FindingSink",
    "Intake",
    "MeasurementSource",
    "ModelIdentity",
    "ModelMonitors",
    "ModelState",
    "MovedBin",
    "Observer",
    "Outputs",
    "QualityCount",
    "QualityFinding",
    "ReferenceChange",
]
