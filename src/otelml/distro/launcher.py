"""What `opentelemetry-instrument` finds when otelml is the only distribution installed; with another one, that one sets up the SDK."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_PROTOCOL


class OtelmlConfigurator(_OTelSDKConfigurator):
    """Sets up the SDK from the `OTEL_*` variables, as OpenTelemetry's own configurator does."""


class OtelmlDistro(BaseDistro):  # type: ignore[misc]  # untyped upstream
    """Exports over OTLP unless the `OTEL_*` variables say otherwise."""

    def _configure(self, **_kwargs: Any) -> None:
        for variable in (OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_LOGS_EXPORTER):
            os.environ.setdefault(variable, "otlp")
        os.environ.setdefault(OTEL_EXPORTER_OTLP_PROTOCOL, "http/protobuf")
