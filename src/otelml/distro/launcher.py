"""What `opentelemetry-instrument` finds when otelml is the only distribution installed; with another one, that one sets up the SDK."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk._configuration import _OTelSDKConfigurator

from otelml.distro.providers import set_environment_defaults


class OtelmlConfigurator(_OTelSDKConfigurator):
    """Sets up the SDK from the `OTEL_*` variables, as OpenTelemetry's own configurator does."""


class OtelmlDistro(BaseDistro):  # type: ignore[misc]  # untyped upstream
    """Exports over OTLP unless the `OTEL_*` variables say otherwise."""

    def _configure(self, **_kwargs: Any) -> None:
        set_environment_defaults()
