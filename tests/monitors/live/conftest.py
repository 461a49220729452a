"""The hook with monitors, on telemetry in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from otelml import settings
from otelml.instrumentation.sklearn import SklearnInstrumentor
from otelml.monitors.live import LiveMonitors
from otelml.telemetry.monitoring import MonitoringTelemetry
from tests.support.telemetry import Telemetry

Watch = Callable[..., LiveMonitors]


@pytest.fixture
def watch(telemetry: Telemetry) -> Iterator[Watch]:
    """Switches the hook on with monitors that see every row unless the test sets another budget."""

    def switch_on(**values: object) -> LiveMonitors:
        resolved = settings.resolve({"overhead_budget": 1, **values})
        emitting = MonitoringTelemetry(telemetry.meter_provider, telemetry.logger_provider)
        live = LiveMonitors(resolved, emitting)
        emitting.read(live)
        SklearnInstrumentor().instrument(settings=resolved, monitors=live, **telemetry.providers)
        return live

    yield switch_on
    SklearnInstrumentor().uninstrument()
