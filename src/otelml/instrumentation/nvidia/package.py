"""What the readings of GPUs come from, and the scope that their telemetry has."""

from __future__ import annotations

SCOPE = "otelml.instrumentation.nvidia"

REQUIRES_ANY = ("nvidia-ml-py >= 12.535", "torch >= 2.4")
"""The one reads the devices, the other the memory that its allocator holds."""
