"""The versions of PyTorch that are instrumented, and the scope that their telemetry has."""

from __future__ import annotations

SCOPE = "otelml.instrumentation.torch"

REQUIRES = ("torch >= 2.4",)
