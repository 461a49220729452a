"""Plain facts about what a model did, and the protocols that join the rooms: no OpenTelemetry, no framework."""

from __future__ import annotations

from otelml.observations.calls import Call, Outputs
from otelml.observations.model import MAX_NAME_LENGTH, PROFILE_ATTRIBUTE, ModelIdentity
from otelml.observations.protocols import Observer

__all__ = ["MAX_NAME_LENGTH", "PROFILE_ATTRIBUTE", "Call", "ModelIdentity", "Observer", "Outputs"]
